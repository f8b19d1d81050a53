// Frames that cost a client nothing: each kind ends the connection before there are many of them.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';

import { startClients, startSecureHttp2 } from '../../testing/client-fixture.ts';
import { until } from '../../testing/http-client.ts';
import {
  block,
  data,
  ErrorCode,
  frame,
  FrameClient,
  FrameFlag,
  FrameType,
  headers,
  ping,
  pseudo,
  reset,
  windowUpdate,
} from '../../testing/http2-frames.ts';
import { goawayReasons, type GoawayReason } from './http2-counters.ts';

const batch = 50;
const open = headers(1, pseudo('POST'), 0);
const begun = frame(FrameType.headers, 0, 1, block(pseudo()));

interface Flood {
  readonly what: string;
  readonly first?: Buffer;
  readonly make: (index: number) => Buffer;
  /** Frames after which it has been ended, to the next batch. */
  readonly endedWithin: number;
  /** Default `misuse`. */
  readonly countedAs?: GoawayReason;
}

const floods: Flood[] = [
  {
    what: 'requests that are taken back (CVE-2023-44487)',
    make: (index) =>
      Buffer.concat([headers(2 * index + 1, pseudo()), reset(2 * index + 1, ErrorCode.cancel)]),
    endedWithin: 1000,
  },
  {
    what: 'requests that make us reset them (CVE-2025-8671)',
    make: (index) =>
      Buffer.concat([headers(2 * index + 1, pseudo('POST'), 0), windowUpdate(2 * index + 1, 0)]),
    endedWithin: 100,
  },
  {
    what: 'bodies that are longer than they say',
    make: (index) =>
      Buffer.concat([
        headers(2 * index + 1, [...pseudo('POST'), ['content-length', '0']], 0),
        data(2 * index + 1, 'x'),
      ]),
    endedWithin: 100,
  },
  {
    what: 'a head that does not end (CVE-2024-27983)',
    first: begun,
    make: () => frame(FrameType.continuation, 0, 1, block([['x', 'y'.repeat(200)]])),
    endedWithin: 150,
  },
  {
    what: 'a head of nothing',
    first: begun,
    make: () => frame(FrameType.continuation, 0, 1),
    endedWithin: 50,
  },
  {
    what: 'SETTINGS (CVE-2019-9515)',
    make: () => frame(FrameType.settings, 0, 0),
    endedWithin: 1000,
    countedAs: 'controlFrames',
  },
  {
    what: 'PING (CVE-2019-9512)',
    make: () => ping(),
    endedWithin: 1000,
    countedAs: 'controlFrames',
  },
  { what: 'empty DATA (CVE-2019-9518)', first: open, make: () => data(1, ''), endedWithin: 1000 },
  {
    what: 'windows beyond all bounds',
    make: () => windowUpdate(0, 0x7fff_ffff),
    endedWithin: 50,
  },
  {
    what: 'heads that no table explains',
    make: (index) =>
      frame(
        FrameType.headers,
        FrameFlag.endStream | FrameFlag.endHeaders,
        2 * index + 1,
        Buffer.alloc(5, 0xff),
      ),
    endedWithin: 50,
  },
];

async function endsWhenFlooded(
  context: TestContext,
  { first, make, endedWithin, countedAs = 'misuse' }: Flood,
  isSecure: boolean,
): Promise<void> {
  const start = isSecure ? startSecureHttp2 : startClients;
  const fixture = await start(context, ({ downstream }) => downstream.startBody());
  const client = new FrameClient(context, fixture.port, undefined, isSecure);
  if (first !== undefined) await client.send(first);
  let sent = 0;
  const isEnded = (): boolean => client.isClosed || client.goaways.length > 0;
  for (; !isEnded() && sent < endedWithin; sent += batch) {
    const from = sent;
    await client.send(...Array.from({ length: batch }, (_, index) => make(from + index)));
    // Both ends are in this process: a turn of the event loop brings the bytes, and another one the answer.
    for (let turn = 0; turn < 3; turn += 1) await nextTurn();
  }
  await until(`the end, after ${sent} frames`, () => client.isClosed);
  await until('no connection is left', () => fixture.closed.length === 1);
  const { goaways, connections } = fixture.context.http2Counters;
  const told = goawayReasons.filter((reason) => goaways[reason] > 0);
  assert.deepEqual([told, connections], [[countedAs], 0]);
}

describe('a flood', () => {
  for (const flood of floods) {
    it(`ends the connection: ${flood.what}`, (context) => endsWhenFlooded(context, flood, false));
    it(`ends the connection over TLS: ${flood.what}`, (context) => endsWhenFlooded(context, flood, true));
  }

  it('of requests leaves no more than 100 open, and refuses the others so that clients may repeat them', async (context) => {
    const fixture = await startClients(context, () => {});
    const client = new FrameClient(context, fixture.port);
    await client.send(
      ...Array.from({ length: 300 }, (_, index) => headers(2 * index + 1, pseudo('POST'), 0)),
    );
    await until('the refusals', () => client.of(FrameType.reset).length === 200);
    assert.equal(fixture.asked.length, 100);
    assert.deepEqual(
      new Set(client.of(FrameType.reset).map(({ payload }) => payload.readUInt32BE(0))),
      new Set([ErrorCode.refused]),
    );
    assert.deepEqual(client.goaways, []);
  });

  it('of requests of a client that has acknowledged the limit ends the connection', async (context) => {
    const fixture = await startClients(context, () => {});
    const client = new FrameClient(context, fixture.port);
    await until('the limit', () => client.of(FrameType.settings).length > 0);
    await client.send(frame(FrameType.settings, FrameFlag.ack, 0));
    await client.send(...Array.from({ length: 101 }, (_, index) => headers(2 * index + 1, pseudo())));
    await until('the end', () => client.isClosed);
    assert.deepEqual(
      client.goaways.map(([, code]) => code),
      [ErrorCode.protocol],
    );
    assert.equal(fixture.context.http2Counters.goaways.misuse, 1);
  });

  it('of heads that grow when they are read is refused, not read (HPACK bomb)', async (context) => {
    const fixture = await startClients(context, () => {});
    const client = new FrameClient(context, fixture.port);
    const kept = Buffer.concat([Buffer.from([0x40]), block([['x', 'y'.repeat(3900)]]).subarray(1)]);
    const flags = FrameFlag.endStream | FrameFlag.endHeaders;
    await client.send(frame(FrameType.headers, flags, 1, Buffer.concat([block(pseudo()), kept])));
    const references = Buffer.concat([block(pseudo()), Buffer.alloc(12_000, 0x80 + 62)]);
    await client.send(frame(FrameType.headers, flags, 3, references));
    await until('the refusal', () => client.resets(3).length === 1);
    assert.deepEqual([client.resets(3), fixture.asked.length], [[ErrorCode.calm], 1]);
  });
});
