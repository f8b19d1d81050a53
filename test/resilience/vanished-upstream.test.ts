// D4: an upstream whose host has vanished. To its peers that is silence: no FIN, no RST, no answer to a SYN.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { type Child, startChild } from '../kit/child.ts';
import { onEnd, OwnScope, type Owner } from '../kit/owner.ts';
import { rawConnect } from '../kit/raw-client.ts';
import { problemOf } from './problem-of.ts';
import { type Served, startRoutes } from './start-routes.ts';

const request = (target: string): string => `GET ${target} HTTP/1.1\r\nhost: a.test\r\n\r\n`;

/** Answers .../whole at once and begins an endless answer to anything else; so small a backlog is soon full. */
const upstreamScript = `
const server = require('node:http').createServer((request, response) => {
  if (request.url.endsWith('/whole')) return response.end('ok');
  response.writeHead(200, { 'content-length': 1e9 });
  response.write('begin');
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () =>
  console.error(JSON.stringify({ level: 'info', msg: 'listening', port: server.address().port })));
`;

async function startStoppable(owner: Owner): Promise<{ child: Child; port: number }> {
  const child = startChild(owner, {
    name: 'upstream',
    command: process.execPath,
    args: ['-e', upstreamScript],
  });
  const line = await child.waitForLog('listening', ({ msg }) => msg === 'listening');
  // A stopped process would not end by itself.
  onEnd(owner, () => child.signal('SIGCONT'));
  return { child, port: Number(line['port']) };
}

/** How long a connection that the kernel still has room for may take on loopback. */
const connectedWithinMs = 500;

/** Connects until the kernel leaves a SYN without an answer. */
async function fillBacklog(owner: Owner, port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const socket: Socket = connect(port, '127.0.0.1');
    onEnd(owner, () => void socket.destroy());
    const connected = once(socket, 'connect').then(() => true);
    if (!(await Promise.race([connected, sleep(connectedWithinMs, false)]))) return;
  }
  throw new Error('the backlog never filled');
}

describe('a vanished upstream', {
  concurrency: true,
  skip: process.platform !== 'linux' && 'a full backlog is silent on Linux alone',
}, () => {
  const scope = new OwnScope();
  const upstreams = new Map<string, { child: Child; port: number }>();
  let served: Served;

  before(async () => {
    for (const name of ['closed', 'body', 'between']) upstreams.set(name, await startStoppable(scope));
    const portOf = (name: string): number => upstreams.get(name)!.port;
    served = await startRoutes(scope, {
      closed: { port: portOf('closed'), service: { timeouts: { connect: '1s' } } },
      body: { port: portOf('body'), route: { timeouts: { idle: '1s' } } },
      between: { port: portOf('between'), route: { timeouts: { responseHead: '1s' } } },
    });
  });
  after(() => scope.end());

  test('that answers no SYN is a 502 when connect is over', async (t) => {
    const { child, port } = upstreams.get('closed')!;
    child.signal('SIGSTOP');
    await fillBacklog(t, port);
    const client = await rawConnect(t, served.port);
    const startMs = performance.now();
    await client.send(request('/closed'));
    const response = await client.readResponse();
    t.diagnostic(`502 after ${(performance.now() - startMs).toFixed(0)} ms`);
    assert.deepEqual(problemOf(response), [502, 'upstream_connect_failed']);
  });

  test('in the middle of a body is cut when idle is over', async (t) => {
    const client = await rawConnect(t, served.port);
    await client.send(request('/body'));
    await client.expect('begin');
    upstreams.get('body')!.child.signal('SIGSTOP');
    const startMs = performance.now();
    await client.closed();
    t.diagnostic(`cut after ${(performance.now() - startMs).toFixed(0)} ms`);
  });

  test('between two requests is a 504 when responseHead is over, on the connection that looked good', async (t) => {
    const { child } = upstreams.get('between')!;
    const client = await rawConnect(t, served.port);
    await client.send(request('/between/whole'));
    assert.equal((await client.readResponse()).status, 200);
    child.signal('SIGSTOP');
    await client.send(request('/between/whole'));
    assert.deepEqual(problemOf(await client.readResponse()), [504, 'upstream_timeout']);
    // The host is back: what it missed is forgotten.
    child.signal('SIGCONT');
    await client.send(request('/between/whole'));
    assert.equal((await client.readResponse()).status, 200);
  });
});
