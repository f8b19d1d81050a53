// OCSP responses stapled to handshakes: on every worker, after a rotation, and without the responder.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect } from 'node:tls';
import { promisify } from 'node:util';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { type DataPlaneNode, startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource } from '../../kit/resources.ts';
import { tempDir } from '../../kit/temp-dir.ts';
import { type OcspResponder, startOcspResponder } from '../../kit/upstreams/ocsp-responder.ts';

/** Enough that each worker of a node gets some of so many connections. */
const manyConnections = 24;

interface Shown {
  readonly serial: string;
  readonly staple: Buffer | undefined;
}

describe('OCSP stapling', () => {
  const scope = new OwnScope();
  let authority: TestAuthority;
  let responder: OcspResponder;
  let system: System;
  let node: DataPlaneNode;
  let directory: string;
  /** The one that is shown. */
  let serial: string;

  before(async () => {
    authority = await TestAuthority.create('Shop CA');
    responder = await startOcspResponder(scope, authority);
    directory = await tempDir(scope);
    await writeFile(join(directory, 'ca.pem'), authority.certificate);
    const on = (name: string, tls: object) => ({
      name,
      address: '127.0.0.1',
      port: 0,
      protocol: 'https',
      tls: { certificates: ['www'], ...tls },
    });
    const listeners = [on('stapled', { ocspStapling: true }), on('plain', {})];
    system = await startSystem(scope, { resources: [await newCertificate(), gateway({ listeners })] });
    node = system.nodes[0]!;
  });
  after(() => scope.end());

  /** One that the responder knows, and that is to be shown from now on. */
  async function newCertificate(): Promise<Resource> {
    const leaf: IssuedCertificate = await authority.issue({
      names: ['www.shop.test'],
      ocspResponder: responder.url,
    });
    serial = new X509Certificate(leaf.certificate).serialNumber;
    responder.add(serial);
    const spec = { certificate: leaf.certificate + authority.certificate, key: leaf.key };
    return { kind: 'Certificate', metadata: { name: 'www' }, spec };
  }

  async function visit(listener = 'stapled'): Promise<Shown> {
    const socket = connect({
      host: '127.0.0.1',
      port: await node.trafficPort(listener),
      servername: 'www.shop.test',
      ca: authority.certificate,
      requestOCSP: true,
    });
    let staple: Buffer | undefined;
    socket.on('OCSPResponse', (response: Buffer | null) => (staple = response ?? undefined));
    await once(socket, 'secureConnect');
    const { serialNumber } = socket.getPeerX509Certificate()!;
    socket.destroy();
    return { serial: serialNumber, staple };
  }

  /** On how many of many connections there is a staple; each shows the newest certificate. */
  async function stapled(): Promise<number> {
    const shown = await Promise.all(Array.from({ length: manyConnections }, () => visit()));
    assert.deepEqual(new Set(shown.map((each) => each.serial)), new Set([serial]));
    return shown.filter(({ staple }) => staple !== undefined).length;
  }

  function allStapled(): Promise<number> {
    const until = (count: number): boolean => count === manyConnections;
    return eventually(stapled, { what: 'a staple on every connection', until, timeoutMs: 30_000 });
  }

  async function openssl(listener: string, version: string): Promise<string> {
    const port = await node.trafficPort(listener);
    const trust = ['-CAfile', join(directory, 'ca.pem'), '-verify_return_error'];
    const to = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'www.shop.test'];
    const running = promisify(execFile)('openssl', [...to, '-status', version, ...trust]);
    running.child.stdin?.end();
    return (await running).stdout;
  }

  /** OpenSSL as a client that checks what it is shown. */
  async function opensslVerifies({ staple }: Shown): Promise<string> {
    const file = join(directory, 'staple');
    await writeFile(file, staple!);
    const ca = join(directory, 'ca.pem');
    const check = ['ocsp', '-respin', file, '-CAfile', ca, '-issuer', ca, '-serial', `0x${serial}`];
    const { stdout, stderr } = await promisify(execFile)('openssl', check);
    return stderr + stdout;
  }

  const expiry = async (): Promise<number> =>
    (await scrape(node)).value('causeway_ocsp_staple_expiry_seconds', { certificate: 'default/www' });

  it('shows a good response on every worker, and OpenSSL believes it', async () => {
    await allStapled();
    for (const version of ['-tls1_2', '-tls1_3']) {
      const text = await openssl('stapled', version);
      assert.match(text, /OCSP Response Status: successful/);
      assert.match(text, /Cert Status: good/);
      assert.ok(text.includes(`Serial Number: ${serial}`));
    }
    const verified = await opensslVerifies(await visit());
    assert.match(verified, /Response verify OK[^]*: good/);
    const seconds = await expiry();
    assert.ok(seconds > 3000 && seconds <= 3600, String(seconds));
    assert.equal(responder.questions, 1);
  });

  it('shows none on a listener that wants none', async () => {
    assert.equal((await visit('plain')).staple, undefined);
    assert.match(await openssl('plain', '-tls1_3'), /OCSP response: no response sent/);
  });

  it('shows it on workers that come later too, without asking again', async () => {
    const asked = responder.questions;
    node.child.signal('SIGUSR2');
    await node.child.waitForLog('they are replaced', ({ msg }) => msg === 'the workers are replaced');
    assert.equal(await stapled(), manyConnections);
    assert.equal(responder.questions, asked);
  });

  it('shows that of the new certificate after a rotation', async () => {
    await system.apply([await newCertificate()]);
    await allStapled();
    assert.match(await opensslVerifies(await visit()), /Response verify OK[^]*: good/);
  });

  for (const mode of ['silent', 'away'] as const)
    it(`goes without while the responder is ${mode}, and has it when that is back`, async () => {
      responder.setMode(mode);
      await system.apply([await newCertificate()]);
      assert.equal(await stapled(), 0);
      assert.equal(await expiry(), 0);
      if (mode === 'away') {
        const line = await node.child.waitForLog('it says so', ({ msg }) =>
          msg.startsWith('no new OCSP staple'),
        );
        assert.deepEqual([line['certificate'], line['responder']], ['default/www', responder.url]);
        assert.equal(await stapled(), 0);
      }
      responder.setMode('answering');
      await allStapled();
      assert.ok((await expiry()) > 3000);
    });
});
