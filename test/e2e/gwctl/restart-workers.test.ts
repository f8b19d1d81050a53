// `gwctl restart-workers`: every worker of a node is another one afterwards, and nobody has noticed.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '../../kit/eventually.ts';
import { gwctl } from '../../kit/gwctl.ts';
import { startLoad } from '../../kit/load.ts';
import { startSystem } from '../../kit/processes.ts';
import { route, service } from '../../kit/resources.ts';
import { startCounting } from '../../kit/upstreams/counting.ts';

describe('gwctl restart-workers', () => {
  it('replaces the workers of a node under load, and waits for it when told to', async (t) => {
    const upstream = await startCounting(t);
    const system = await startSystem(t, {
      resources: [service('a', [upstream.port]), route('a', '/', 'a')],
    });
    const node = system.nodes[0]!;
    const run = (...args: string[]) => gwctl(args, { config: system.controlPlane.gwctlConfig });
    const port = await node.trafficPort('http');
    const load = startLoad(t, { port, request: 'GET /x HTTP/1.1\r\nhost: a.test\r\n\r\n' });
    await eventually(() => load.result.ok > 100, { what: 'the load runs' });
    const { code, stdout, stderr } = await run('restart-workers', 'node-1', '--wait');
    assert.deepEqual([code, stderr], [0, '']);
    assert.equal(stdout, 'node/node-1: replacing 2 workers, one by one\nnode/node-1: 2 workers replaced\n');
    const before = load.result.ok;
    await eventually(() => load.result.ok > before + 100, { what: 'the load goes on' });
    const { failed, reasons } = await load.stop();
    assert.deepEqual([failed, reasons], [0, {}]);
    assert.equal(node.child.logs.filter(({ msg }) => msg === 'draining').length, 2);
  });

  it('is what SIGUSR2 does without a control plane, once at a time', async (t) => {
    const system = await startSystem(t);
    const { child } = system.nodes[0]!;
    child.signal('SIGUSR2');
    await child.waitForLog('the workers are being replaced', ({ msg }) => msg === 'replacing the workers');
    child.signal('SIGUSR2');
    await child.waitForLog('it says so', ({ msg }) => /^SIGUSR2: .* still being replaced/.test(msg));
    await child.waitForLog('the workers are replaced', ({ msg }) => msg === 'the workers are replaced');
  });

  it('says what it cannot do', async (t) => {
    const system = await startSystem(t);
    const run = (...args: string[]) => gwctl(args, { config: system.controlPlane.gwctlConfig });
    const missing = await run('restart-workers', 'node-9');
    assert.deepEqual([missing.code, missing.stderr], [1, 'error: node/node-9 does not exist\n']);
    await system.nodes[0]!.stop();
    const away = await run('restart-workers', 'node-1');
    assert.equal(away.code, 1);
    assert.match(away.stderr, /^error: node\/node-1: the node is not connected\n/);
  });
});
