import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { aloneShared } from '../counts/node-shared.ts';
import type { ExchangeRecord } from '../proxy/exchange-record.ts';
import type { Table } from '../table/table.ts';
import { exchangeRecord } from '../testing/exchange-records.ts';
import type { LiveStream, LiveStreamKind, StreamAdmission } from './live-stream.ts';
import { LiveStreams, mergeStreams, type ShownStream, type StreamList } from './live-streams.ts';
import type { StreamEnd } from './stream-end.ts';

const drainMs = 8000;
const table = { routes: undefined, gateway: { timeouts: { drainMs } } } as unknown as Table;

class FakeStream implements LiveStream {
  readonly kind: LiveStreamKind;
  readonly record: ExchangeRecord;
  /** What a table has against it. */
  fault: StreamEnd | undefined;
  judged = 0;
  wasCut = false;
  readonly condemned: (string | number)[][] = [];

  constructor(more: Partial<ExchangeRecord> = {}, kind: LiveStreamKind = 'webSockets') {
    this.kind = kind;
    this.record = exchangeRecord(more);
  }

  get admission(): StreamAdmission {
    const judge = (): StreamEnd | undefined => {
      this.judged += 1;
      return this.fault;
    };
    return { judge } as unknown as StreamAdmission;
  }

  condemn(...given: [StreamEnd, number, number]): void {
    this.condemned.push(given);
  }

  cut(): void {
    this.wasCut = true;
  }
}

function fixture(random: () => number = () => 0) {
  const clock = new ManualClock();
  const { slices } = aloneShared();
  return { clock, slices, streams: new LiveStreams(clock, slices, random) };
}

describe('a sweep', () => {
  it('condemns those that may not stay, within the time of the Gateway, and no others', () => {
    const { clock, streams } = fixture(() => 0.5);
    const [stays, goes] = [new FakeStream(), new FakeStream()];
    streams.add(stays);
    streams.add(goes);
    clock.advance(1000);
    goes.fault = 'routeGone';
    streams.sweep(table);
    assert.deepEqual(stays.condemned, []);
    assert.deepEqual(goes.condemned, [['routeGone', 1000 + 3000, 1000 + drainMs]]);
  });

  it('spreads the ends over three quarters of that time', () => {
    for (const [share, atMs] of [
      [0, 0],
      [0.999, 5994],
    ] as const) {
      const { streams } = fixture(() => share);
      const stream = new FakeStream();
      stream.fault = 'endpointGone';
      streams.add(stream);
      streams.sweep(table);
      assert.deepEqual(stream.condemned, [['endpointGone', atMs, drainMs]]);
    }
  });

  it('that a stream came too late for is made up for when it comes', () => {
    const { streams } = fixture();
    streams.sweep(table);
    const stream = new FakeStream();
    stream.fault = 'routeGone';
    streams.add(stream);
    assert.deepEqual(stream.condemned, [['routeGone', 0, drainMs]]);
  });

  it('sees nothing of those that are over', () => {
    const { streams } = fixture();
    const stream = new FakeStream();
    streams.add(stream);
    streams.remove(stream);
    streams.sweep(table);
    assert.equal(stream.judged, 0);
  });
});

describe('a drain', () => {
  it('condemns all, and those that come have what is left of the time', () => {
    const { clock, streams } = fixture(() => 0.5);
    const [first, second, third] = [new FakeStream(), new FakeStream(), new FakeStream()];
    streams.add(first);
    assert.equal(streams.isDraining, false);
    streams.drain(8000);
    assert.equal(streams.isDraining, true);
    clock.advance(4000);
    streams.add(second);
    clock.advance(10_000);
    streams.add(third);
    assert.deepEqual(first.condemned, [['drained', 3000, 8000]]);
    assert.deepEqual(second.condemned, [['drained', 5500, 8000]]);
    assert.deepEqual(third.condemned, [['drained', 14_000, 14_000]]);
    streams.remove(second);
    streams.cut();
    assert.deepEqual([first.wasCut, second.wasCut, third.wasCut], [true, false, true]);
  });

  it('counts those that were told', () => {
    const { streams } = fixture();
    streams.noteDrained();
    streams.noteDrained();
    assert.equal(streams.drained, 2);
  });
});

describe('counts of streams', () => {
  it('are kept by kind, and each stream is taken out once', () => {
    const { slices, streams } = fixture();
    const all = [
      new FakeStream(),
      new FakeStream(),
      new FakeStream({}, 'events'),
      new FakeStream({}, 'records'),
    ];
    for (const stream of all) streams.add(stream);
    assert.deepEqual(streams.counts, { webSockets: 2, events: 1, records: 1 });
    assert.equal(slices.own('webSockets'), 2);
    for (const stream of [...all, ...all]) streams.remove(stream);
    assert.deepEqual(streams.counts, { webSockets: 0, events: 0, records: 0 });
  });

  it('by revision are of those that admitted them, the newest first', () => {
    const { streams } = fixture();
    for (const revision of [7, 9, 7, 8, 9, 9]) streams.add(new FakeStream({ revision }));
    assert.deepEqual(streams.byRevision(), [
      { revision: 9, count: 3 },
      { revision: 8, count: 1 },
      { revision: 7, count: 2 },
    ]);
  });
});

describe('the list of streams', () => {
  const { streams } = fixture();
  const given: [Partial<ExchangeRecord>, LiveStreamKind][] = [
    [
      { requestId: 'a', route: 'default/chat', service: 'default/one', client: '192.0.2.1', revision: 1 },
      'webSockets',
    ],
    [
      { requestId: 'b', route: 'default/chat', service: 'default/two', client: '192.0.2.2', revision: 2 },
      'events',
    ],
    [
      { requestId: 'c', route: 'default/feed', service: 'default/two', client: '192.0.2.1', revision: 2 },
      'records',
    ],
    [
      { requestId: 'd', route: 'other/chat', service: 'other/one', client: '192.0.2.2', revision: 2 },
      'webSockets',
    ],
  ];
  for (const [more, kind] of given) streams.add(new FakeStream(more, kind));
  const ids = ({ connections }: StreamList): string => connections.map(({ id }) => id).join('');

  it('holds those that are asked for, the oldest first', () => {
    assert.equal(ids(streams.list({ limit: 100 }, 0)), 'abcd');
    assert.equal(ids(streams.list({ limit: 100, route: 'default/chat' }, 0)), 'ab');
    assert.equal(ids(streams.list({ limit: 100, service: 'default/two' }, 0)), 'bc');
    assert.equal(ids(streams.list({ limit: 100, client: '192.0.2.1' }, 0)), 'ac');
    assert.equal(ids(streams.list({ limit: 100, kind: 'websocket' }, 0)), 'ad');
    assert.equal(ids(streams.list({ limit: 100, kind: 'events' }, 0)), 'b');
    assert.equal(ids(streams.list({ limit: 100, kind: 'records' }, 0)), 'c');
    assert.equal(ids(streams.list({ limit: 100, kind: 'webSockets' }, 0)), '');
    assert.equal(ids(streams.list({ limit: 100, kind: 'websocket', client: '192.0.2.2' }, 0)), 'd');
  });

  it('is cut at the limit, which its counts are not', () => {
    const list = streams.list({ limit: 2, client: '192.0.2.2' }, 0);
    assert.equal(ids(list), 'bd');
    const cut = streams.list({ limit: 1 }, 0);
    assert.deepEqual([ids(cut), cut.total], ['a', 4]);
    assert.deepEqual(cut.byRevision, [
      { revision: 2, count: 3 },
      { revision: 1, count: 1 },
    ]);
    assert.deepEqual(streams.list({ limit: 0 }, 0).connections, []);
  });

  it('says all of a stream', () => {
    const { streams: other } = fixture();
    other.add(new FakeStream({ startedWallMs: 5, bytesIn: 6, bytesOut: 7 }));
    assert.deepEqual(other.list({ limit: 1 }, 3).connections, [
      {
        id: '01kamxq5p1n9t4z7',
        kind: 'websocket',
        route: 'default/orders',
        service: 'default/orders',
        endpoint: 'e-7f3a91c04b',
        client: '192.0.2.1',
        host: 'a.test',
        protocol: 'HTTP/1.1',
        revision: 42,
        startedAtMs: 5,
        bytesIn: 6,
        bytesOut: 7,
        requestId: '01kamxq5p1n9t4z7',
        worker: 3,
      },
    ]);
  });
});

describe('lists of several workers', () => {
  const one = (startedAtMs: number): ShownStream => ({ startedAtMs }) as ShownStream;

  it('become one, the oldest first, with the counts of all', () => {
    const merged = mergeStreams(
      [
        {
          total: 5,
          byRevision: [
            { revision: 3, count: 4 },
            { revision: 1, count: 1 },
          ],
          connections: [one(1), one(5)],
        },
        {
          total: 3,
          byRevision: [
            { revision: 4, count: 1 },
            { revision: 3, count: 2 },
          ],
          connections: [one(2), one(3)],
        },
        { total: 0, byRevision: [], connections: [] },
      ],
      3,
    );
    assert.deepEqual(merged, {
      total: 8,
      byRevision: [
        { revision: 4, count: 1 },
        { revision: 3, count: 6 },
        { revision: 1, count: 1 },
      ],
      connections: [one(1), one(2), one(3)],
    });
  });

  it('are nothing without workers', () => {
    assert.deepEqual(mergeStreams([], 5), { total: 0, byRevision: [], connections: [] });
  });
});
