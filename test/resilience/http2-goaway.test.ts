// HTTP/2 connections that end while they are used, over TLS and plain: no request fails for it.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { type ClientHttp2Session, connect } from 'node:http2';
import { describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { eventually } from '../kit/eventually.ts';
import { scrape } from '../kit/metrics.ts';
import { type DataPlaneNode, startSystem } from '../kit/processes.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { startCounting } from '../kit/upstreams/counting.ts';

const run = promisify(execFile);
const schemes = ['http', 'https'] as const;
const clients = 8;
const streams = 10;

/** Listeners `http` and `https`. */
async function started(t: TestContext, spec: object): Promise<DataPlaneNode> {
  const authority = await TestAuthority.create('Shop CA');
  const www = await authority.issue({ names: ['localhost'] });
  const upstream = await startCounting(t);
  const on = (name: string, more: object = {}) => ({ name, address: '127.0.0.1', port: 0, ...more });
  const tls = { certificates: ['www'] };
  const system = await startSystem(t, {
    resources: [
      { kind: 'Certificate', metadata: { name: 'www' }, spec: { ...www } },
      gateway({ listeners: [on('http'), on('https', { protocol: 'https', tls })], ...spec }),
      service('s', [upstream.port]),
      route('r', '/', 's'),
    ],
  });
  return system.nodes[0]!;
}

async function urlOf(node: DataPlaneNode, scheme: string): Promise<string> {
  return `${scheme}://127.0.0.1:${await node.trafficPort(scheme)}`;
}

interface Outcome {
  ok: number;
  sessions: number;
  readonly failures: string[];
}

/**
 * Unlike the load of the kit, which asks anew as a client should, it counts what is refused: a client that waits for its answers is to see none of
 * that. Requests of `streams` at a time on each session, and a new session for each that ends, while `goesOn`. */
async function useSessions(url: string, outcome: Outcome, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    const session = connect(url, { rejectUnauthorized: false });
    const told = new AbortController();
    let isTaken = false;
    session.once('remoteSettings', () => (isTaken = true));
    for (const event of ['goaway', 'close', 'error'] as const) session.on(event, () => told.abort());
    outcome.sessions += 1;
    await Promise.all(
      Array.from({ length: streams }, async () => {
        while (!told.signal.aborted && goesOn()) await askOnce(session, outcome, () => isTaken);
      }),
    );
    session.close();
  }
}

/** One on a connection that the node never took is none: what waits at a port when it closes is reset by the system (docs/nodes.md). */
async function askOnce(session: ClientHttp2Session, outcome: Outcome, isTaken: () => boolean): Promise<void> {
  const stream = session.request({ ':path': '/x' });
  const { promise, resolve } = Promise.withResolvers<void>();
  let status: number | undefined;
  let isWhole = false;
  stream.on('response', (fields) => (status = fields[':status']));
  stream.on('end', () => (isWhole = true));
  stream.on('error', () => {});
  stream.on('close', () => {
    if (status === 200 && isWhole) outcome.ok += 1;
    else if (isTaken()) outcome.failures.push(`status ${status}, whole: ${isWhole}, reset ${stream.rstCode}`);
    resolve();
  });
  stream.resume();
  await promise;
}

/** What h2load began, and what became of it; it makes no new connection for one that ends. */
async function loadOf(
  url: string,
  ...args: string[]
): Promise<Record<'started' | 'succeeded' | 'ok', number>> {
  const { stdout } = await run('h2load', [`-c${clients}`, `-m${streams}`, ...args, `${url}/x`]);
  const [, begun, succeeded] = /requests: .* (\d+) started, \d+ done, (\d+) succeeded/.exec(stdout) ?? [];
  const [, ok] = /status codes: (\d+) 2xx/.exec(stdout) ?? [];
  return { started: Number(begun), succeeded: Number(succeeded), ok: Number(ok) };
}

describe('an HTTP/2 connection that ends under load', () => {
  for (const scheme of schemes) {
    test(`fails nothing of h2load nor of node:http2, over ${scheme}, hundreds of times`, async (t) => {
      const node = await started(t, { limits: { maxRequestsPerConnection: 100 } });
      const url = await urlOf(node, scheme);
      for (let round = 0; round < 10; round += 1) {
        const { started: begun, succeeded, ok } = await loadOf(url, '-n', '20000');
        assert.deepEqual([succeeded, ok], [begun, begun]);
        assert.ok(begun >= 100 * clients);
      }
      const outcome: Outcome = { ok: 0, sessions: 0, failures: [] };
      const goesOn = (): boolean => outcome.sessions < 200;
      await Promise.all(Array.from({ length: 4 }, () => useSessions(url, outcome, goesOn)));
      assert.deepEqual(outcome.failures, []);
      const told = (await scrape(node)).sum('causeway_http2_goaways_total', {
        reason: 'maxRequestsPerConnection',
      });
      assert.ok(told >= 200, `${told} ends`);
      t.diagnostic(`${outcome.ok} requests in ${outcome.sessions} sessions of node:http2, ${told} ends`);
    });

    test(`fails nothing when the node drains, over ${scheme}`, async (t) => {
      const node = await started(t, { timeouts: { drainDelay: '500ms', drain: '20s' } });
      const url = await urlOf(node, scheme);
      const outcome: Outcome = { ok: 0, sessions: 0, failures: [] };
      let isOver = false;
      const goesOn = (): boolean => !isOver && node.child.running;
      const used = Promise.all(Array.from({ length: 4 }, () => useSessions(url, outcome, goesOn)));
      const loaded = loadOf(url, '-n', '10000000');
      await eventually(() => outcome.ok > 500, { what: 'the load runs' });
      node.child.signal('SIGTERM');
      const { started: begun, succeeded, ok } = await loaded;
      assert.deepEqual(await node.child.expectEnd(), { code: 0, signal: null });
      isOver = true;
      await used;
      assert.deepEqual([succeeded, ok, outcome.failures], [begun, begun, []]);
      t.diagnostic(`${begun} requests of h2load, ${outcome.ok} of node:http2`);
    });
  }
});
