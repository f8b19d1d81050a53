// D26: whoever takes the access log takes nothing more: a pipe that is not read, a disk that is full, a directory that is
// gone. Traffic does not notice; the operator does, by a counter and by one warning.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { eventually } from '../kit/eventually.ts';
import { startLoad } from '../kit/load.ts';
import { scrape } from '../kit/metrics.ts';
import { residentBytes } from '../kit/process-cost.ts';
import type { DataPlaneNode } from '../kit/processes.ts';
import { gateway } from '../kit/resources.ts';
import { tempDir } from '../kit/temp-dir.ts';
import { startEcho } from '../kit/upstreams/echo.ts';
import { startRoutes } from './start-routes.ts';

const request = 'GET /a/short HTTP/1.1\r\nhost: a.test\r\n\r\n';
/** Lines of 7 KB: a thousand of them and some are more than a node keeps. */
const longRequest = `GET /a/${'x'.repeat(7000)} HTTP/1.1\r\nhost: a.test\r\n\r\n`;
const keptBytesMax = 8 << 20;
/** RSS moves by so much for other reasons, such as code that runs for the first time. */
const noiseBytes = 64 << 20;

const lost = async (node: DataPlaneNode): Promise<number> =>
  (await scrape(node)).value('causeway_access_log_dropped_total');

const warnings = ({ child }: DataPlaneNode): number =>
  child.logs.filter(({ level, msg }) => level === 'warn' && msg.startsWith('access log lines are lost'))
    .length;

async function serve(t: TestContext, output: string) {
  const upstream = await startEcho(t);
  const served = await startRoutes(
    t,
    { a: { port: upstream.port } },
    { accessLog: { output }, timeouts: { drainDelay: '0s' } },
  );
  /** Sends so many requests, all of which must be answered well. */
  const send = async (count: number, text = request): Promise<number> => {
    const load = startLoad(t, { port: served.port, request: text, connections: 16 });
    await eventually(() => load.result.ok + load.result.failed >= count, {
      what: `${count} answers`,
      timeoutMs: 60_000,
    });
    const { ok, failed, reasons } = await load.stop();
    assert.equal(failed, 0, JSON.stringify(reasons));
    return ok;
  };
  return { ...served, send };
}

const linesOf = (text: string): string[] => text.split('\n').slice(0, -1);

/** All that can be read now. */
function drained(reader: number): string {
  const chunk = Buffer.alloc(1 << 20);
  let text = '';
  try {
    for (;;) {
      const count = readSync(reader, chunk);
      if (count === 0) return text;
      text += chunk.toString('latin1', 0, count);
    }
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    return text;
  }
}

describe('an access log', () => {
  test('that nobody reads costs lines, a bounded memory, and no request', async (t) => {
    const pipe = join(await tempDir(t), 'pipe');
    execFileSync('mkfifo', [pipe]);
    const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    t.after(() => closeSync(reader));
    const { node, send } = await serve(t, `file:${pipe}`);
    const early = await send(200);
    const residentBefore = residentBytes(node.child.pid);
    const sent = await send(3000, longRequest);
    const grown = residentBytes(node.child.pid) - residentBefore;
    t.diagnostic(`${(grown / 2 ** 20).toFixed(0)} MiB more`);
    assert.ok(grown < 4 * keptBytesMax + noiseBytes, `${grown} bytes`);
    const dropped = await lost(node);
    assert.ok(dropped > 0 && dropped < sent, String(dropped));
    assert.equal(warnings(node), 1);
    let text = '';
    await eventually(() => linesOf((text += drained(reader))).length, {
      what: 'the lines that were kept',
      until: (count) => count === early + sent - dropped,
    });
    assert.ok(text.length > keptBytesMax / 2);
    await send(10);
    assert.equal(await lost(node), dropped, 'there is room again');
    for (const line of linesOf(text)) assert.equal(JSON.parse(line).status, 200);
    await node.stop();
  });

  test('on a full disk is lost whole, and no request with it', async (t) => {
    const { node, send } = await serve(t, 'file:/dev/full');
    const sent = await send(500);
    await eventually(() => lost(node), {
      what: 'every line is counted',
      until: (dropped) => dropped === sent,
    });
    assert.equal(warnings(node), 1);
    assert.match(node.child.logs.find(({ msg }) => msg.includes('lost'))!.msg, /ENOSPC/);
    await node.stop();
  });

  test('goes on in a new file after SIGHUP, without losing a line', async (t) => {
    const path = join(await tempDir(t), 'access.log');
    const { node, send, port } = await serve(t, `file:${path}`);
    const load = startLoad(t, { port, request, connections: 4 });
    const counted = async (atLeast: number): Promise<void> => {
      await eventually(() => load.result.ok >= atLeast, { what: `${atLeast} answers` });
    };
    for (const generation of [1, 2, 3]) {
      await counted(generation * 100);
      renameSync(path, `${path}.${generation}`);
      node.child.signal('SIGHUP');
      await eventually(
        () => node.child.logs.filter(({ msg }) => msg === 'access log reopened').length === generation,
        { what: 'the log is reopened' },
      );
    }
    const sent = (await load.stop()).ok + (await send(50));
    await node.stop();
    const files = [path, ...[1, 2, 3].map((generation) => `${path}.${generation}`)];
    const lines = files.flatMap((file) => linesOf(readFileSync(file, 'utf8')));
    for (const line of lines) assert.equal(JSON.parse(line).status, 200);
    assert.equal(lines.length, sent);
  });

  test('that cannot be opened keeps its Gateway from going live, until it can', async (t) => {
    const directory = join(await tempDir(t), 'missing');
    const { node, send, system } = await serve(t, 'stdout');
    const { admin } = system;
    const output = `file:${join(directory, 'access.log')}`;
    const revision = await admin.apply([
      gateway({ accessLog: { output, format: 'common' }, timeouts: { drainDelay: '0s' } }),
    ]);
    const refused = await eventually(() => admin.call('GET', `revisions/${revision}/status`), {
      what: 'the node refuses it',
      until: (answer) => answer.field('state') === 'rejected',
    });
    const problem = refused.field('nodes', 0, 'problems', 0) as Record<string, unknown>;
    assert.deepEqual(problem, {
      reason: 'output_failed',
      resource: 'gateway/default',
      pointer: '/spec/accessLog/output',
      detail: `cannot open ${directory}/access.log: its directory does not exist (ENOENT)`,
    });
    await send(20);
    mkdirSync(directory);
    await eventually(() => admin.call('GET', `revisions/${revision}/status`), {
      what: 'the node tries again by itself',
      until: (answer) => answer.field('state') === 'applied',
    });
    const sent = await send(20);
    await node.stop();
    assert.equal(linesOf(readFileSync(join(directory, 'access.log'), 'utf8')).length, sent);
  });

  test('that is gone does not keep a node from starting without its control plane', async (t) => {
    const directory = join(await tempDir(t), 'logs');
    mkdirSync(directory);
    const path = join(directory, 'access.log');
    const { node, system } = await serve(t, `file:${path}`);
    await node.stop();
    await system.controlPlane.stop();
    rmSync(directory, { recursive: true });
    await node.start();
    const port = await node.trafficPort();
    await node.child.waitForLog('the log is missing', ({ msg }) =>
      msg.startsWith('no access log: cannot open'),
    );
    mkdirSync(directory);
    const load = startLoad(t, { port, request, connections: 1, pauseMs: 20 });
    await eventually(() => readable(path).length > 0, { what: 'lines in a file that came back' });
    assert.equal((await load.stop()).failed, 0);
  });
});

function readable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not there yet.
    return '';
  }
}
