// D6: a node that has run out of file descriptors. It lives, finishes what it has, and takes connections again.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { onEnd, type Owner } from '../kit/owner.ts';
import { scrape } from '../kit/metrics.ts';
import { openDescriptors } from '../kit/process-cost.ts';
import { rawConnect } from '../kit/raw-client.ts';
import { startEcho } from '../kit/upstreams/echo.ts';
import { startSlow } from '../kit/upstreams/slow.ts';
import { startRoutes } from './start-routes.ts';

/** Descriptors that are left to the node, and connections that want one each. */
const left = 60;
const flood = 300;
const request = (path: string): string => `GET /${path} HTTP/1.1\r\nhost: a.test\r\n\r\n`;

/** Lets the process open `more` descriptors beside those that it has. */
function leaveDescriptors(pid: number, more: number): number {
  const most = openDescriptors(pid) + more;
  const { error, status, stderr } = spawnSync('prlimit', [`--pid=${pid}`, `--nofile=${most}:${most}`]);
  if (error) assert.fail('prlimit is missing; on Debian: sudo apt-get install util-linux');
  assert.equal(status, 0, String(stderr));
  return most;
}

function startFlood(owner: Owner, port: number): readonly Socket[] {
  const sockets = Array.from({ length: flood }, () => {
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhos'));
    return socket.on('error', () => {}).resume();
  });
  onEnd(owner, () => sockets.forEach((socket) => void socket.destroy()));
  return sockets;
}

describe('too few file descriptors', { skip: process.platform !== 'linux' && 'prlimit(2) is Linux' }, () => {
  test('end no request that has begun, answer those on open connections, and are forgotten when there are more', async (t) => {
    const echo = await startEcho(t);
    const slow = await startSlow(t, { byteIntervalMs: 50, bodyBytes: 60 });
    const { node, port } = await startRoutes(t, { echo: { port: echo.port }, slow: { port: slow.port } });
    const streaming = await rawConnect(t, port);
    await streaming.send(request('slow'));
    const [first, second] = [await rawConnect(t, port), await rawConnect(t, port)];
    await first.send(request('echo'));
    assert.equal((await first.readResponse()).status, 200);

    const most = leaveDescriptors(node.child.pid, left);
    const taken = async (): Promise<number> => (await scrape(node)).value('causeway_connections_max');
    await eventually(taken, { what: 'the node sees its limit', until: (count) => count < most });
    const sockets = startFlood(t, port);
    const ready = async (): Promise<number> => (await fetch(`${await node.statusUrl()}/readyz`)).status;
    await eventually(ready, { what: 'the node says that it is full', until: (status) => status === 503 });
    assert.ok(openDescriptors(node.child.pid) < most, 'some are left for upstreams');
    // Both need a connection to the upstream, of which only one is there.
    await Promise.all([first.send(request('echo')), second.send(request('echo'))]);
    const answers = [await first.readResponse(), await second.readResponse()];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
    );

    const { status, body } = await streaming.readResponse();
    assert.deepEqual([status, body.length], [200, 60]);
    for (const socket of sockets) socket.destroy();
    const answered = await eventually(
      async () => {
        const client = await rawConnect(t, port);
        await client.send(request('echo'));
        return (await client.readResponse()).status;
      },
      { what: 'new connections are served again', until: (code) => code === 200 },
    );
    assert.equal(answered, 200);
  });
});
