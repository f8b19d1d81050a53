// Which protocol a client gets from a listener: by ALPN, by prior knowledge, or sent on to another port.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { promisify } from 'node:util';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { rawConnect } from '../../kit/raw-client.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { type Echo, startEcho } from '../../kit/upstreams/echo.ts';

const run = promisify(execFile);

describe('the protocol of a client', () => {
  const scope = new OwnScope();
  const ports: Record<string, number> = {};
  let authority: TestAuthority;
  let system: System;

  before(async () => {
    authority = await TestAuthority.create('Shop CA');
    const www = await authority.issue({ names: ['localhost'] });
    const upstream = await startEcho(scope);
    const tls = { certificates: ['www'] };
    const on = (name: string, more: object) => ({ name, address: '127.0.0.1', port: 0, ...more });
    const listeners = [
      on('https', { protocol: 'https', tls }),
      on('old-https', { protocol: 'https', tls, http2: false }),
      on('http', {}),
      on('old-http', { http2: false }),
      on('moved', { redirectToHttps: 443 }),
      on('moved-far', { redirectToHttps: 8443 }),
    ];
    system = await startSystem(scope, {
      resources: [
        { kind: 'Certificate', metadata: { name: 'www' }, spec: { ...www } },
        gateway({ listeners }),
        service('echo', [upstream.port]),
        route('echo', '/', 'echo'),
      ],
    });
    for (const { name } of listeners) ports[name] = await system.nodes[0]!.trafficPort(name);
  });
  after(() => scope.end());

  /** Status and version of the answer, by curl. */
  async function curl(url: string, ...args: string[]): Promise<string> {
    const always = ['--silent', '--insecure', '--max-time', '20', '--output', '/dev/null'];
    const { stdout } = await run('curl', [
      ...always,
      '--write-out',
      '%{http_code} %{http_version}',
      ...args,
      url,
    ]);
    return stdout;
  }

  async function agreedOn(listener: string, ALPNProtocols?: string[]): Promise<string | false | null> {
    const socket = connectTls({
      port: ports[listener]!,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols,
    });
    await once(socket, 'secureConnect');
    socket.destroy();
    return socket.alpnProtocol;
  }

  it('is HTTP/2 over TLS for whoever offers it, and HTTP/1.1 for all others', async () => {
    const url = `https://localhost:${ports['https']}/x`;
    assert.equal(await curl(url, '--http2'), '200 2');
    assert.equal(await curl(url, '--http1.1'), '200 1.1');
    assert.equal(await agreedOn('https', ['http/1.1', 'h2']), 'h2');
    assert.equal(await agreedOn('https'), false);
  });

  it('is told upstream as https, whatever its version', async () => {
    const session = connectHttp2(`https://localhost:${ports['https']}`, { ca: authority.certificate });
    const stream = session.request({ ':path': '/x?y=1', cookie: 'a=1' });
    let text = '';
    stream.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    const [fields] = (await once(stream, 'response')) as [Record<string, unknown>];
    await once(stream, 'end');
    session.close();
    const seen = JSON.parse(text) as Echo;
    assert.equal(fields[':status'], 200);
    assert.equal(seen.target, '/x?y=1');
    const sent = Object.fromEntries(seen.headers);
    assert.equal(sent['x-forwarded-proto'], 'https');
    assert.equal(sent['host'], `localhost:${ports['https']}`);
  });

  it('is HTTP/1.1 alone where http2 is false', async () => {
    assert.equal(await curl(`https://localhost:${ports['old-https']}/x`, '--http2'), '200 1.1');
    assert.equal(await agreedOn('old-https', ['h2', 'http/1.1']), 'http/1.1');
    await assert.rejects(agreedOn('old-https', ['h2']), {
      code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
    });
    assert.equal(await curl(`http://localhost:${ports['old-http']}/x`, '--http1.1'), '200 1.1');
    await assert.rejects(curl(`http://localhost:${ports['old-http']}/x`, '--http2-prior-knowledge'));
    assert.equal(await curl(`http://localhost:${ports['http']}/x`, '--http2-prior-knowledge'), '200 2');
  });

  it('carries 20,000 requests of h2load over TLS', async () => {
    const args = ['--connection-active-timeout', '60', '-n', '20000', '-c', '10', '-m', '20'];
    const { stdout } = await run('h2load', [...args, `https://localhost:${ports['https']}/x`]);
    assert.match(stdout, /20000 succeeded, 0 failed, 0 errored/);
  });

  it('is to be https where a listener says so, before any Route', async () => {
    const sentTo = async (listener: string, target: string): Promise<string[]> => {
      const { stdout } = await run('curl', [
        '--silent',
        '--max-time',
        '20',
        '--path-as-is',
        '--header',
        'host: shop.test:80',
        '--data',
        'x=1',
        '--write-out',
        '%{http_code} %header{location}',
        `http://127.0.0.1:${ports[listener]}${target}`,
      ]);
      return stdout.split(' ');
    };
    assert.deepEqual(await sentTo('moved', '/a//b?c=%20d'), ['308', 'https://shop.test/a/b?c=%20d']);
    assert.deepEqual(await sentTo('moved-far', '/'), ['308', 'https://shop.test:8443/']);
    const nameless = await rawConnect(scope, ports['moved']!);
    await nameless.send('GET / HTTP/1.0\r\n\r\n');
    assert.equal((await nameless.readResponse()).status, 400);
  });
});
