import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { type RelayFixture, startRelay } from '../testing/relay-fixture.ts';
import { tickMs } from './timer-wheel.ts';

/** Deadlines are noticed so late at most. */
const lateMs = 2 * tickMs;
const chunked = 'Transfer-Encoding: chunked';

/** Time passes in steps, `each` of them with something that happens; stops when the exchange is over. */
function pass(fixture: RelayFixture, seconds: number, each: () => void, stepMs = 1000): void {
  for (let ms = 0; ms < seconds * 1000 && fixture.record.reason === undefined; ms += stepMs) {
    fixture.clock.advance(stepMs);
    if (fixture.record.reason === undefined) each();
  }
}

const outcome = ({ client, record, call }: RelayFixture): unknown[] => [
  client.status,
  record.reason,
  call.isAborted,
];

/** Nothing happens before `ms` are over; then the request is refused. */
function assertRefusedAfter(fixture: RelayFixture, ms: number, [status, reason]: [number, string]): void {
  fixture.clock.advance(ms - 1);
  assert.equal(fixture.client.status, 0);
  fixture.clock.advance(lateMs);
  assert.deepEqual(outcome(fixture), [status, reason, true]);
}

/** The same of an answer that has begun: its client is cut. */
function assertCutAfter({ clock, client, record }: RelayFixture, ms: number, reason: string): void {
  clock.advance(ms - 1);
  assert.equal(client.wasReset, false);
  clock.advance(lateMs);
  assert.deepEqual([client.wasReset, record.reason], [true, reason]);
}

describe('a client that sends slowly', () => {
  it('may take 5 s longer than its bytes do at minBytesPerSecond, and no more', (context) => {
    const fixture = startRelay(context, { bytesPerSecondMin: 1000 }, chunked);
    fixture.upload(10_000);
    assertRefusedAfter(fixture, 15_000, [408, 'request_timeout']);
  });

  it('goes on for ever at that rate, and not a little below', (context) => {
    const at = startRelay(context, { bytesPerSecondMin: 1000 }, chunked);
    pass(at, 1000, () => at.upload(100), 100);
    assert.equal(at.record.bytesIn, 1_000_000);
    const under = startRelay(context, { bytesPerSecondMin: 1000 }, chunked);
    pass(under, 1000, () => under.upload(90), 100);
    assert.deepEqual(outcome(under), [408, 'request_timeout', true]);
    // 900 t = 1000 (t - 5)
    const { bytesIn } = under.record;
    assert.ok(bytesIn >= 45_000 - 900 && bytesIn <= 45_000 + 900, `${bytesIn} bytes`);
  });

  it('goes on at any rate when the limit is off, as long as it does not stop', (context) => {
    const fixture = startRelay(context, { bytesPerSecondMin: 0, requestBodyIdleMs: 2000 }, chunked);
    pass(fixture, 100, () => fixture.upload(1));
    assert.equal(fixture.record.bytesIn, 100);
    assertRefusedAfter(fixture, 2000, [408, 'request_timeout']);
  });

  it('is not measured while the upstream does not take what it has sent', (context) => {
    const limits = { bytesPerSecondMin: 1000, requestBodyIdleMs: 2000, idleMs: 30_000 };
    const fixture = startRelay(context, limits, chunked);
    const { call, client, clock } = fixture;
    call.isStuck = true;
    fixture.upload(20_000);
    assert.equal(client.isPaused, true);
    // Longer than idle, in which some of it is taken, and longer than the client would have for it.
    clock.advance(29_000);
    call.unsentMark -= 1;
    clock.advance(29_000);
    assert.equal(client.status, 0);
    call.isStuck = false;
    fixture.takeUpstream();
    assert.equal(client.isPaused, false);
    clock.advance(1900);
    fixture.upload(1);
    clock.advance(1900);
    assert.deepEqual(outcome(fixture), [0, undefined, false]);
    clock.advance(100 + lateMs);
    assert.equal(client.status, 408);
  });
});

describe('an upstream that takes a request slowly', () => {
  it('is given up after idle in which it took nothing', (context) => {
    const fixture = startRelay(context, { idleMs: 10_000, bytesPerSecondMin: 240 }, chunked);
    fixture.call.isStuck = true;
    fixture.upload(50_000);
    assertRefusedAfter(fixture, 10_000, [504, 'upstream_timeout']);
  });

  it('is borne with as long as it takes something', (context) => {
    const fixture = startRelay(context, { idleMs: 10_000, bytesPerSecondMin: 240 }, chunked);
    fixture.call.isStuck = true;
    fixture.upload(50_000);
    pass(fixture, 200, () => {
      fixture.call.unsentMark -= 1;
    });
    assert.deepEqual(outcome(fixture), [0, undefined, false]);
    fixture.clock.advance(20_000 + lateMs);
    assert.equal(fixture.client.status, 504);
  });
});

describe('a client that reads slowly', () => {
  it('must have taken a backlog within 5 s and the time of its bytes at minBytesPerSecond', (context) => {
    const fixture = startRelay(context, { bytesPerSecondMin: 1000 });
    fixture.client.isStuck = true;
    fixture.answer();
    fixture.clock.advance(3000);
    fixture.download(20_000);
    assert.equal(fixture.call.isPaused, true);
    assertCutAfter(fixture, 25_000, 'request_timeout');
  });

  it('has time for all that waits, in however many chunks it came', (context) => {
    const fixture = startRelay(context, { bytesPerSecondMin: 1000, idleMs: 60_000 });
    fixture.client.isStuck = true;
    fixture.answer();
    fixture.download(1000, 50);
    assertCutAfter(fixture, 55_000, 'request_timeout');
  });

  it('goes on for ever when it is fast enough, with a new measure for each backlog', (context) => {
    const fixture = startRelay(context, { bytesPerSecondMin: 1000, idleMs: 10_000 });
    fixture.client.isStuck = true;
    fixture.answer();
    for (let round = 0; round < 20; round += 1) {
      fixture.download(1000, 50);
      pass(fixture, 50, () => fixture.take(1000));
      assert.deepEqual([fixture.client.wasReset, fixture.call.isPaused], [false, false], `round ${round}`);
    }
  });

  it('is cut after idle in which it took nothing, though its time were longer', (context) => {
    const fixture = startRelay(context, { bytesPerSecondMin: 10, idleMs: 10_000 });
    fixture.client.isStuck = true;
    fixture.answer();
    fixture.download(50_000);
    fixture.clock.advance(9000);
    fixture.take(1);
    fixture.clock.advance(10_000);
    assert.equal(fixture.client.wasReset, false);
    fixture.clock.advance(10_000 + lateMs);
    assert.deepEqual([fixture.client.wasReset, fixture.record.reason], [true, 'request_timeout']);
  });

  it('is cut after 10 s in which it took nothing of what the gateway answers without a Route', (context) => {
    const fixture = startRelay(context, undefined);
    fixture.client.isStuck = true;
    fixture.relay.answer(404, [], Buffer.alloc(100), false);
    fixture.clock.advance(9000);
    fixture.take(50);
    fixture.clock.advance(10_000);
    assert.equal(fixture.client.wasReset, false);
    fixture.clock.advance(10_000 + lateMs);
    assert.equal(fixture.client.wasReset, true);
  });

  it('may be as slow as it likes when the limit is off, as long as it does not stop', (context) => {
    const fixture = startRelay(context, { bytesPerSecondMin: 0, idleMs: 10_000 });
    fixture.client.isStuck = true;
    fixture.answer();
    fixture.download(50_000);
    pass(fixture, 1000, () => fixture.take(1));
    assert.equal(fixture.client.wasReset, false);
    fixture.clock.advance(20_000 + lateMs);
    assert.deepEqual([fixture.client.wasReset, fixture.record.reason], [true, 'request_timeout']);
  });

  it('is measured to the end, when the upstream is done long since', (context) => {
    const fixture = startRelay(context, { bytesPerSecondMin: 1000 });
    fixture.client.isStuck = true;
    fixture.answer();
    fixture.download(20_000);
    fixture.relay.onUpstreamEnd();
    assertCutAfter(fixture, 25_000, 'request_timeout');
  });

  it('is not taken for slow because its upstream was silent for long', (context) => {
    const fixture = startRelay(context, { bytesPerSecondMin: 1000, idleMs: 60_000 });
    fixture.answer();
    fixture.download(10);
    fixture.clock.advance(50_000);
    fixture.client.isStuck = true;
    fixture.download(1000);
    assertCutAfter(fixture, 6000, 'request_timeout');
  });
});

describe('a response that stands still', () => {
  it('is cut after idle, for which the upstream is to blame when its client has everything', (context) => {
    const fixture = startRelay(context, { idleMs: 10_000, bytesPerSecondMin: 240 });
    fixture.answer();
    fixture.clock.advance(9000);
    fixture.download(10);
    assertCutAfter(fixture, 10_000, 'upstream_timeout');
  });

  for (const type of ['text/event-stream', 'application/x-ndjson', 'application/grpc+proto'])
    it(`is in order in a stream (${type}), but a backlog that does not drain is not`, (context) => {
      const fixture = startRelay(context, { idleMs: 10_000, requestMs: 20_000, bytesPerSecondMin: 1000 });
      fixture.answer(type);
      fixture.download(10);
      fixture.clock.advance(3_600_000);
      assert.equal(fixture.client.wasReset, false);
      fixture.client.isStuck = true;
      fixture.download(1000);
      assertCutAfter(fixture, 6000, 'request_timeout');
    });

  it('is cut in a stream after streamIdle, where that is set', (context) => {
    const fixture = startRelay(context, { idleMs: 1000, streamIdleMs: 60_000 });
    fixture.answer('text/event-stream');
    pass(fixture, 300, () => {
      if (fixture.clock.monotonicMs() % 50_000 === 0) fixture.download(1);
    });
    assert.equal(fixture.client.wasReset, false);
    fixture.clock.advance(60_000 + lateMs);
    assert.deepEqual([fixture.client.wasReset, fixture.record.reason], [true, 'upstream_timeout']);
  });

  it('is in a stream in order no longer than idle when its client sends far ahead, and could be gone', (context) => {
    const fixture = startRelay(context, { idleMs: 10_000 });
    fixture.answer('text/event-stream');
    fixture.clock.advance(60_000);
    fixture.relay.onDownstreamUnseen();
    fixture.clock.advance(lateMs);
    assert.deepEqual([fixture.client.wasReset, fixture.record.reason], [true, 'upstream_timeout']);
  });

  it('is in a stream in order no longer than idle while the body of its client waits', (context) => {
    const fixture = startRelay(context, { idleMs: 10_000 }, chunked);
    fixture.answer('text/event-stream');
    fixture.clock.advance(60_000);
    fixture.call.isStuck = true;
    fixture.upload(50_000);
    assert.equal(fixture.client.isPaused, true);
    assertCutAfter(fixture, 10_000, 'upstream_timeout');
  });

  it('is in order for as long as it likes when idle is off', (context) => {
    const fixture = startRelay(context, { bytesPerSecondMin: 240 });
    fixture.answer();
    fixture.clock.advance(86_400_000);
    assert.deepEqual(outcome(fixture), [200, undefined, false]);
  });
});

describe('a single try', () => {
  const limits = { backendRequestMs: 1000, requestBodyIdleMs: 5000 };

  it('has time without the time in which its client sends nothing', (context) => {
    const fixture = startRelay(context, limits, chunked);
    fixture.upload(3);
    assertRefusedAfter(fixture, 5000, [408, 'request_timeout']);
  });

  it('has all of its time when a client has sent the last of a body slowly', (context) => {
    const fixture = startRelay(context, limits, chunked);
    pass(fixture, 30, () => fixture.upload(1));
    fixture.relay.onRequestEnd();
    assertRefusedAfter(fixture, 1000, [504, 'upstream_timeout']);
  });

  it('uses up its time while the upstream does not take the body, and goes on where it was', (context) => {
    const fixture = startRelay(context, limits, chunked);
    for (let round = 0; round < 3; round += 1) {
      fixture.clock.advance(4000);
      fixture.call.isStuck = true;
      fixture.upload(1000);
      fixture.clock.advance(300);
      fixture.call.isStuck = false;
      fixture.takeUpstream();
      assert.equal(fixture.client.status, 0);
    }
    fixture.clock.advance(4000);
    fixture.upload(1);
    fixture.relay.onRequestEnd();
    assertRefusedAfter(fixture, 100, [504, 'upstream_timeout']);
  });

  it('uses up its time once it is answered, whatever its client still has to send', (context) => {
    const fixture = startRelay(context, limits, chunked);
    fixture.clock.advance(4000);
    fixture.answer();
    fixture.call.isStuck = true;
    fixture.upload(1000);
    fixture.takeUpstream();
    assertCutAfter(fixture, 1000, 'upstream_timeout');
  });

  it('that is made once more is waited for although the client owes the rest of its body', (context) => {
    const fixture = startRelay(context, limits, chunked);
    fixture.clock.advance(4000);
    fixture.upload(1);
    fixture.relay.endTry();
    fixture.relay.beginTry();
    assertRefusedAfter(fixture, 1000, [504, 'upstream_timeout']);
    const ready = startRelay(context, limits, chunked);
    ready.clock.advance(4000);
    ready.upload(1);
    ready.relay.endTry();
    ready.relay.beginTry();
    ready.relay.onUpstreamDrain();
    assertRefusedAfter(ready, 5000, [408, 'request_timeout']);
  });

  it('is not what took too long when its client does not take the answer', (context) => {
    for (const each of [{ backendRequestMs: 1000 }, { requestMs: 1000 }]) {
      const fixture = startRelay(context, each);
      fixture.client.isStuck = true;
      fixture.answer();
      fixture.download(1000);
      assertCutAfter(fixture, 1000, 'request_timeout');
    }
  });
});

describe('the whole exchange', () => {
  it('ends at request, whoever is slow; a stream only until its head', (context) => {
    for (const lines of ['', chunked]) {
      const fixture = startRelay(context, { requestMs: 10_000 }, lines);
      assertRefusedAfter(fixture, 10_000, [504, 'upstream_timeout']);
    }
    const answered = startRelay(context, { requestMs: 10_000 });
    answered.answer();
    answered.clock.advance(10_000 + lateMs);
    assert.deepEqual([answered.client.wasReset, answered.record.reason], [true, 'upstream_timeout']);
  });

  it('waits responseHead for the head, from the end of the request', (context) => {
    const fixture = startRelay(context, { responseHeadMs: 10_000 }, chunked);
    fixture.clock.advance(60_000);
    fixture.upload(1);
    fixture.relay.onRequestEnd();
    assertRefusedAfter(fixture, 10_000, [504, 'upstream_timeout']);
  });

  it('waits responseHead anew when it had to wait for a connection', (context) => {
    const fixture = startRelay(context, { responseHeadMs: 10_000 });
    fixture.clock.advance(9000);
    fixture.relay.onUpstreamSent();
    assertRefusedAfter(fixture, 10_000, [504, 'upstream_timeout']);
  });

  it('waits for the head no longer than idle where responseHead is off and its client could be gone', (context) => {
    const fixture = startRelay(context, { idleMs: 10_000 });
    fixture.clock.advance(9000);
    fixture.relay.onDownstreamUnseen();
    assert.equal(fixture.client.status, 0);
    fixture.clock.advance(1000 + lateMs);
    assert.deepEqual(outcome(fixture), [504, 'upstream_timeout', true]);
  });
});
