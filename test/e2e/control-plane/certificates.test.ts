// Certificates from the admin API to the disk of a node: what they say, whom they serve, and that a key never comes out.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';
import type { AdminApi } from '../../kit/admin.ts';
import { eventually } from '../../kit/eventually.ts';
import { gwctl } from '../../kit/gwctl.ts';
import { startSystem } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { tempDir } from '../../kit/temp-dir.ts';
import { inNamespace, oneControlPlane, problemOf } from './one-control-plane.ts';

let authority: TestAuthority;
let www: IssuedCertificate;
let other: IssuedCertificate;
before(async () => {
  authority = await TestAuthority.create('Shop CA');
  www = await authority.issue({ names: ['www.example.com', 'example.com'] });
  other = await authority.issue({ names: ['other.example.com'] });
});

const certificate = (name: string, spec: object): Resource => ({
  kind: 'Certificate',
  metadata: { name },
  spec,
});
const document = (name: string, spec: object): object => ({
  apiVersion: 'causeway/v1',
  ...certificate(name, spec),
});

describe('certificates', () => {
  const plane = oneControlPlane();
  const merge = 'application/merge-patch+json';

  it('are created, read with their facts, changed and deleted', async () => {
    const { admin } = plane;
    const path = inNamespace('crud', 'certificates', 'www');
    const created = await admin.call('PUT', path, { body: document('www', { ...www }) });
    assert.equal(created.status, 201, created.text);
    assert.equal(created.field('spec', 'key'), '(hidden)');
    const read = await admin.call('GET', path);
    assert.equal(read.field('status', 'subject'), 'CN=www.example.com');
    assert.deepEqual(read.field('status', 'names'), ['www.example.com', 'example.com']);
    assert.equal(read.field('status', 'issuer'), 'CN=Shop CA');
    assert.deepEqual(read.field('status', 'usedBy'), []);
    for (const body of [read.json() as object, document('www', { ...www })]) {
      const again = await admin.call('PUT', path, { body });
      assert.equal(again.headers['causeway-revision'], undefined, 'no change');
    }
    const stale = await admin.call('PATCH', path, {
      body: { spec: { certificate: other.certificate } },
      contentType: merge,
    });
    assert.equal(problemOf(stale, 422, 'invalid').errors[0]?.pointer, '/spec/key');
    const bundle = await admin.call('PATCH', path, { body: { spec: { key: null } }, contentType: merge });
    assert.equal(bundle.field('spec', 'key'), undefined);
    const hidden = await admin.call('PATCH', path, {
      body: { spec: { key: '(hidden)' } },
      contentType: merge,
    });
    assert.equal(problemOf(hidden, 422, 'invalid').errors[0]?.code, 'missing');
    assert.equal((await admin.call('DELETE', path)).status, 200);
    assert.equal((await admin.call('GET', path)).status, 404);
  });

  it('cannot be deleted while a Service refers to them', async () => {
    const { admin } = plane;
    const tls = { trust: ['ca'], clientCertificate: 'www' };
    await admin.apply([
      certificate('ca', { certificate: authority.certificate }),
      certificate('www', { ...www }),
      service('a', [], { protocol: 'https', tls }),
    ]);
    const refused = await admin.call('DELETE', inNamespace('default', 'certificates', 'ca'));
    const [referrer] = problemOf(refused, 409, 'referenced').errors;
    assert.deepEqual([referrer?.resource, referrer?.pointer], ['service/default/a', '/spec/tls/trust/0']);
    const status = await admin.call('GET', inNamespace('default', 'certificates', 'www'));
    assert.deepEqual(status.field('status', 'usedBy'), ['service/default/a']);
  });

  it('are refused with everything that is wrong, and no key in the answer', async () => {
    const { admin } = plane;
    const body = [
      document('mismatch', { certificate: www.certificate, key: other.key }),
      document('swapped', { certificate: www.key, key: www.certificate }),
      document('elsewhere', { certificate: www.certificate, key: { secret: 'nowhere', key: 'k' } }),
    ]
      .map((each) => JSON.stringify(each))
      .join('\n---\n');
    const refused = await admin.call('POST', 'apply', { body });
    assert.deepEqual(
      problemOf(refused, 422, 'invalid').errors.map(({ document: index, pointer }) => [index, pointer]),
      [
        [0, '/spec/key'],
        [1, '/spec/certificate'],
        [2, '/spec/key/secret'],
      ],
    );
    for (const { key } of [www, other]) assert.ok(!refused.text.includes(key.split('\n')[1]!));
  });

  it('warn at every apply when a Service takes any certificate', async () => {
    const { admin } = plane;
    const body = JSON.stringify({
      apiVersion: 'causeway/v1',
      ...service('blind', [], { protocol: 'https', tls: { verify: false } }),
    });
    for (const time of ['first', 'second']) {
      const answer = await admin.call('POST', 'apply', { body });
      assert.match(String(answer.field('warnings', 0)), /service\/blind takes any certificate/, time);
      assert.match(String(answer.headers['warning']), /takes any certificate/);
    }
  });
});

describe('the key of a certificate (invariant 11)', () => {
  it('reaches the node that needs it, and nothing else that can be read', async (t) => {
    const system = await startSystem(t, { resources: withKeys() });
    const { controlPlane, admin } = system;
    const node = system.nodes[0]!;
    assert.deepEqual(await dumped(admin), { 'default/other': true, 'default/www': false });
    const shows = { serverName: 'a.internal', clientCertificate: 'www' };
    await system.apply([service('a', [2], { protocol: 'https', tls: shows })]);
    assert.deepEqual(await dumped(admin), { 'default/www': true });
    const shown = new Map([
      ...(await saidByGwctl(controlPlane.gwctlConfig, await tempDir(t))),
      ...(await answered(admin, await node.statusUrl())),
    ]);
    const ofNode = join(node.dataDir, 'nodes/node-1');
    await eventually(() => readdirSync(ofNode), {
      what: 'a stored snapshot',
      until: (files) => files.includes('last-good'),
    });
    await node.stop();
    await controlPlane.stop();
    for (const directory of [controlPlane.dataDir, node.dataDir])
      for (const file of filesUnder(directory)) shown.set(file, readFileSync(file, 'latin1'));
    for (const { pid, output, logs } of [controlPlane.child, node.child])
      shown.set(`output of ${pid}`, output.join('\n') + JSON.stringify(logs));
    for (const [where, text] of shown) assertNoKey(text, where);
    await node.start();
    assert.ok((await node.trafficPort()) > 0, 'the sealed snapshot serves again');
  });
});

/** One Certificate that a Service shows, its key in a Secret, and one that it only trusts. */
function withKeys(): Resource[] {
  const key = { secret: 'tls', key: 'tls.key' };
  const tls = { serverName: 'a.internal', trust: ['www'], clientCertificate: 'other' };
  return [
    gateway({ timeouts: { drainDelay: '0s' } }),
    { kind: 'Secret', metadata: { name: 'tls' }, spec: { data: { 'tls.key': other.key } } },
    certificate('www', { ...www }),
    certificate('other', { certificate: other.certificate, key }),
    service('a', [1], { protocol: 'https', tls }),
    route('a', '/', 'a'),
  ];
}

/** Certificates that the node has, and whether with their key. */
async function dumped(admin: AdminApi): Promise<Record<string, boolean>> {
  const dump = await admin.call('GET', 'nodes/node-1/configDump');
  const certificates = dump.field('certificates') as { name: string; hasKey: boolean }[];
  return Object.fromEntries(certificates.map(({ name, hasKey }) => [name, hasKey]));
}

async function saidByGwctl(config: string, directory: string): Promise<[string, string][]> {
  const file = join(directory, 'www.json');
  writeFileSync(file, JSON.stringify(document('www', { ...other })));
  const diff = await gwctl(['diff', '-f', file], { config });
  assert.match(diff.stdout, /^-\(hidden\)\n\+\(hidden, another value\)$/m);
  const commands = [
    ['get', 'certificates', '-o', 'yaml'],
    ['get', 'cert/www', '-o', 'json', '--defaults'],
    ['describe', 'certificates'],
    ['apply', '-f', file, '--dry-run=server'],
  ];
  const results = await Promise.all(commands.map((args) => gwctl(args, { config })));
  return [diff, ...results].map(({ stdout, stderr }, index) => [`gwctl ${index}`, stdout + stderr]);
}

async function answered(admin: AdminApi, statusUrl: string): Promise<[string, string][]> {
  const pages = ['/metrics', '/version', '/readyz?verbose'].map(async (page): Promise<[string, string]> => {
    const response = await fetch(statusUrl + page);
    return [page, await response.text()];
  });
  const paths = [
    'certificates',
    'namespaces/default/certificates/www',
    'revisions',
    'revisions/1',
    'nodes/node-1/configDump',
    '/metrics',
    '/openapi.json',
  ].map(async (path): Promise<[string, string]> => [path, (await admin.call('GET', path)).text]);
  return Promise.all([...pages, ...paths]);
}

const filesUnder = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((file) => join(directory, file))
    .filter((file) => statSync(file).isFile());

function assertNoKey(text: string, where: string): void {
  const lines = [www, other].flatMap(({ key }) => key.split('\n').slice(1, -1));
  for (const line of lines.filter(({ length }) => length > 16))
    assert.ok(!text.includes(line), `${where} shows a key`);
}
