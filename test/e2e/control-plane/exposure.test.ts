// Who may talk to the admin API at all: which addresses, names and pages, and what needs no token.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rawConnect } from '../../kit/raw-client.ts';
import { startCauseway } from '../../kit/processes.ts';
import { tempDir } from '../../kit/temp-dir.ts';
import { adminToken, oneControlPlane, problemOf } from './one-control-plane.ts';

describe('exposure', () => {
  const plane = oneControlPlane(['--admin-host', 'gateway.example.com']);

  it('health is open; metrics, version and documents are open on loopback; nothing else is', async () => {
    const { admin } = plane;
    for (const path of [
      '/livez',
      '/readyz',
      '/readyz?verbose',
      '/metrics',
      '/version',
      '/openapi.json',
      '/docs',
    ])
      assert.equal((await admin.call('GET', path, { token: null })).status, 200, path);
    assert.match((await admin.call('GET', '/readyz?verbose', { token: null })).text, /\[\+\]store ok/);
    assert.match((await admin.call('GET', '/version', { token: null })).text, /"version"/);
    assert.match(
      (await admin.call('GET', '/metrics', { token: null })).text,
      /causeway_config_desired_revision 0/,
    );
    for (const path of ['/apis/causeway/v1', 'routes', 'gateways/default', '/nothing', '/'])
      problemOf(await admin.call('GET', path, { token: null }), 401, 'unauthenticated');
    problemOf(await admin.call('POST', '/livez', { token: null }), 401, 'unauthenticated');
  });

  it('the node token does not open the admin API', async () => {
    const { controlPlane, admin } = plane;
    const { readFile } = await import('node:fs/promises');
    const token = (await readFile(controlPlane.nodeTokenFile, 'utf8')).trim();
    problemOf(await admin.call('GET', 'routes', { token }), 401, 'unauthenticated');
  });

  it('a foreign Host is refused before anything else, names and addresses of ours are not', async () => {
    const { admin, controlPlane } = plane;
    const { adminPort } = controlPlane;
    for (const host of [
      'evil.example.com',
      `evil.example.com:${adminPort}`,
      'localhost.evil.com',
      'xn--localhost',
      '',
    ])
      problemOf(await admin.call('GET', 'routes', { headers: { host } }), 403, 'forbidden');
    problemOf(
      await admin.call('GET', '/livez', { headers: { host: 'evil.com' }, token: null }),
      403,
      'forbidden',
    );
    for (const host of [
      'localhost',
      `localhost:${adminPort}`,
      `127.0.0.1:${adminPort}`,
      `[::1]:${adminPort}`,
      '10.1.2.3',
      'gateway.example.com',
      `gateway.example.com:${adminPort}`,
    ])
      assert.equal((await admin.call('GET', 'routes', { headers: { host } })).status, 200, host);
  });

  it('a request without a Host is refused', async (t) => {
    const { controlPlane } = plane;
    const client = await rawConnect(t, controlPlane.adminPort);
    await client.send(
      `GET /livez HTTP/1.0\r\nauthorization: Bearer ${await adminToken(controlPlane)}\r\n\r\n`,
    );
    assert.ok([400, 403].includes((await client.readResponse()).status));
  });

  it('pages of another origin are refused, of another port too; those of ours are not', async () => {
    const { admin, controlPlane } = plane;
    const { adminPort } = controlPlane;
    const headers = (origin: string) => ({ origin, host: `127.0.0.1:${adminPort}` });
    for (const origin of [
      'https://evil.example.com',
      'null',
      `http://127.0.0.1:${adminPort + 1}`,
      'http://127.0.0.1',
      `http://localhost:${adminPort}`,
      `http://127.0.0.1:${adminPort}.evil.com`,
      'garbage',
    ])
      problemOf(await admin.call('GET', 'routes', { headers: headers(origin) }), 403, 'forbidden');
    const ours = headers(`http://127.0.0.1:${adminPort}`);
    assert.equal((await admin.call('GET', 'routes', { headers: ours })).status, 200);
    const preflight = await admin.call('OPTIONS', 'routes', {
      token: null,
      headers: { ...headers('https://evil.example.com'), 'access-control-request-method': 'PUT' },
    });
    assert.equal(preflight.status, 403);
    for (const name of Object.keys(preflight.headers)) assert.doesNotMatch(name, /^access-control/);
  });

  it('documents load nothing from elsewhere', async () => {
    const { admin } = plane;
    const docs = await admin.call('GET', '/docs');
    assert.match(String(docs.headers['content-security-policy']), /default-src 'none'/);
    assert.doesNotMatch(docs.text, /<script|src=|href="http|@import/);
    const openapi = await admin.call('GET', '/openapi.json');
    assert.equal(openapi.field('openapi'), '3.1.0');
    const paths = Object.keys(openapi.field('paths') as object);
    for (const path of [
      '/apis/causeway/v1/apply',
      '/apis/causeway/v1/namespaces/{namespace}/routes/{name}',
      '/apis/causeway/v1/gateways',
    ])
      assert.ok(paths.includes(path), path);
    assert.match(docs.text, /putRoute/);
  });
});

describe('an address that others can reach', () => {
  for (const [flag, address] of [
    ['--admin-addr', '0.0.0.0:0'],
    ['--admin-addr', '[::]:0'],
    ['--stream-addr', '0.0.0.0:0'],
    ['--admin-addr', '192.0.2.1:7080'],
  ] as const)
    it(`is refused as long as there is no TLS: ${flag} ${address}`, async (t) => {
      const others = { '--admin-addr': '127.0.0.1:0', '--stream-addr': '127.0.0.1:0', [flag]: address };
      const child = startCauseway(t, 'control-plane', [
        '--data-dir',
        await tempDir(t),
        ...Object.entries(others).flat(),
      ]);
      assert.equal((await child.expectEnd()).code, 1);
      const [refusal] = child.logs.filter(({ level }) => level === 'fatal');
      assert.match(refusal?.msg ?? '', new RegExp(`^${flag} .*loopback`));
      assert.ok(!child.logs.some(({ msg }) => msg === 'listening'));
    });
});
