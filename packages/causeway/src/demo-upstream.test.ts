import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';

import { startDemoUpstream, type DemoUpstream } from './demo-upstream.ts';

async function started(context: TestContext): Promise<{ upstream: DemoUpstream; url: string }> {
  const upstream = await startDemoUpstream('demo-1', { host: '127.0.0.1', port: 0 }, '--demo-addrs');
  context.after(() => upstream.close());
  return { upstream, url: `http://127.0.0.1:${upstream.address.port}` };
}

describe('demo upstream', () => {
  it('tells path and host, answers in the name of the path, and says which one it is', async (context) => {
    const { upstream, url } = await started(context);
    const response = await fetch(`${url}/orders/7?x=1`);
    assert.equal(response.headers.get('content-type'), 'application/json');
    assert.equal(response.headers.get('x-demo-upstream'), 'demo-1');
    const host = `127.0.0.1:${upstream.address.port}`;
    assert.deepEqual(await response.json(), { upstream: 'orders', path: '/orders/7', host });
    const root: unknown = await (await fetch(url)).json();
    assert.deepEqual(root, { upstream: 'demo-1', path: '/', host });
  });

  it('is healthy', async (context) => {
    const { url } = await started(context);
    const response = await fetch(`${url}/healthz`);
    assert.deepEqual([response.status, await response.text()], [200, 'ok\n']);
  });

  it('takes a body without reading it', async (context) => {
    const { url } = await started(context);
    const response = await fetch(url, { method: 'POST', body: 'x'.repeat(1_000_000) });
    assert.equal(response.status, 200);
  });

  it('names the flag to change when its port is in use', async (context) => {
    const { upstream } = await started(context);
    const { address } = upstream;
    await assert.rejects(startDemoUpstream('demo-2', address, '--demo-addrs'), {
      code: 'listen_failed',
      message: `127.0.0.1:${address.port} is in use by another process: stop that process, or choose another port with --demo-addrs.`,
    });
  });
});
