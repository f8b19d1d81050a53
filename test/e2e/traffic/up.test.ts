// The one command of the README, on free ports: everything runs, the example answers, a second start finds its data.

import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { request } from 'undici';
import { AdminApi } from '../../kit/admin.ts';
import type { Child } from '../../kit/child.ts';
import { eventually } from '../../kit/eventually.ts';
import { gateway } from '../../kit/resources.ts';
import { startCauseway, startControlPlane } from '../../kit/processes.ts';

const anyPort = [
  '--admin-addr',
  '127.0.0.1:0',
  '--stream-addr',
  '127.0.0.1:0',
  '--status-addr',
  '127.0.0.1:0',
];

function up(t: TestContext, dataDir: string, words: readonly string[]): Child {
  return startCauseway(t, 'up', ['--data-dir', dataDir, '--drain-delay', '0s', ...anyPort, ...words]);
}

/** A URL of the printed block, by its label. */
async function printed(child: Child, label: string): Promise<string> {
  const find = (): string | undefined =>
    new RegExp(`^\\s*${label}\\s+(http://\\S+)`, 'm').exec(child.output.join('\n'))?.[1];
  const url = await eventually(find, { what: `up prints where ${label} is`, timeoutMs: 30_000 });
  return url!;
}

/** A data directory whose Gateway `default` listens where the test wants it: 8080 may be taken on this machine. */
async function prepared(t: TestContext, port: number): Promise<string> {
  const controlPlane = await startControlPlane(t);
  await controlPlane.admin.apply([gateway({ listeners: [{ name: 'http', address: '127.0.0.1', port }] })]);
  await controlPlane.stop();
  return controlPlane.dataDir;
}

describe('causeway up', () => {
  it('serves the example, stops cleanly, and finds its data at the second start', async (t) => {
    const dataDir = await prepared(t, 0);
    const first = up(t, dataDir, ['--demo', '--demo-addrs', '127.0.0.1:0,127.0.0.1:0']);
    const answer = await request(`${await printed(first, 'traffic')}/hello`, { reset: true });
    assert.equal(answer.statusCode, 200);
    assert.equal(((await answer.body.json()) as { upstream: string }).upstream, 'hello');
    await first.stop();
    const second = up(t, dataDir, []);
    const admin = new AdminApi(await printed(second, 'admin API'), `${dataDir}/admin.token`);
    assert.equal((await admin.call('GET', 'namespaces/default/routes/hello')).status, 200);
    await second.stop();
  });

  it('ends with one sentence when a traffic port is taken', async (t) => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    t.after(() => taken.close());
    const { port } = taken.address() as AddressInfo;
    const child = up(t, await prepared(t, port), []);
    assert.equal((await child.expectEnd()).code, 1);
    const said = child.logs.map(({ msg }) => msg).join('\n');
    assert.match(
      said,
      new RegExp(
        `cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE.*stop the process that has the port`,
      ),
    );
  });
});
