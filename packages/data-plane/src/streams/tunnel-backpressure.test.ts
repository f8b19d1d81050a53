import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { tickMs } from '../proxy/timer-wheel.ts';
import { TunnelFixture } from '../testing/tunnel-fixture.ts';
import { closePayload, fromClient, fromUpstream } from '../testing/websocket-frames.ts';

/** Deadlines are noticed so late at most. */
const lateMs = 2 * tickMs;
/** In which peers have to answer a close frame of the node. */
const closeMs = 5000;

describe('backpressure', () => {
  for (const [one, other] of [
    ['client', 'upstream'],
    ['upstream', 'client'],
  ] as const) {
    it(`holds the ${other} while the ${one} takes nothing, and cuts both when that does not change`, () => {
      const fixture = new TunnelFixture({ stuckMs: 60_000 });
      fixture.peer(one).isStuck = true;
      assert.equal(fixture.give(other, Buffer.alloc(100)), false);
      assert.deepEqual([fixture.peer(other).isPaused, fixture.peer(one).isPaused], [true, false]);
      fixture.clock.advance(60_000 - tickMs);
      assert.equal(fixture.overs, 0);
      fixture.clock.advance(lateMs + tickMs);
      assert.ok(fixture.isOver);
      assert.equal(fixture.record.ended, 'slow');
    });

    it(`is no fault of a ${one} that is slow`, () => {
      const fixture = new TunnelFixture({ stuckMs: 60_000 });
      fixture.peer(one).isStuck = true;
      fixture.give(other, Buffer.alloc(100));
      for (let count = 0; count < 99; count += 1) {
        fixture.clock.advance(50_000);
        fixture.take(one, 1);
      }
      assert.equal(fixture.overs, 0);
      fixture.take(one);
      assert.equal(fixture.peer(other).isPaused, false);
      fixture.clock.advance(1_000_000);
      assert.equal(fixture.overs, 0);
    });

    it(`is not forgotten of the ${one} when the ${other} has some and takes it`, () => {
      const fixture = new TunnelFixture({ stuckMs: 60_000 });
      fixture.client.isStuck = true;
      fixture.upstream.isStuck = true;
      fixture.give(other, Buffer.alloc(100));
      fixture.give(one, Buffer.alloc(100));
      assert.ok(fixture.client.isPaused && fixture.upstream.isPaused);
      fixture.take(other);
      assert.deepEqual([fixture.peer(one).isPaused, fixture.peer(other).isPaused], [false, true]);
      fixture.clock.advance(60_000 + lateMs);
      assert.ok(fixture.isOver);
      assert.equal(fixture.record.ended, 'slow');
    });
  }

  it('is not put off by what comes although it is held back', () => {
    const fixture = new TunnelFixture({ stuckMs: 60_000 });
    fixture.client.isStuck = true;
    for (let count = 0; count < 7; count += 1) {
      fixture.give('upstream', Buffer.alloc(100));
      fixture.clock.advance(10_000);
    }
    assert.ok(fixture.isOver);
  });
});

describe('a client that breaks the rules for messages', () => {
  it('is told why, and the upstream that it is over', () => {
    const fixture = new TunnelFixture({ rules: { messageBytesMax: 4 } });
    fixture.give('client', fromClient(1, 'abcd'));
    fixture.give('client', fromClient(1, 'abcde'));
    fixture.give('client', fromClient(1, 'abc'));
    assert.deepEqual(fixture.upstream.told, ['text abcd', 'close 1001']);
    assert.match(fixture.client.told[0]!, /^close 1009 /);
    fixture.give('upstream', fromUpstream(8, closePayload(1001)));
    fixture.give('client', fromClient(8, closePayload(1009)));
    assert.ok(fixture.client.isEnded && fixture.upstream.isEnded);
    fixture.leave('client');
    fixture.leave('upstream');
    assert.ok(fixture.isOver);
    assert.deepEqual([fixture.record.ended, fixture.record.closeCode], ['refused', 1009]);
  });

  it('is cut when it does not answer', () => {
    const fixture = new TunnelFixture({ rules: { refusesText: true } });
    fixture.give('client', fromClient(1, 'abcd'));
    fixture.clock.advance(closeMs + lateMs);
    assert.ok(fixture.isOver);
    assert.deepEqual([fixture.record.ended, fixture.record.closeCode], ['refused', 1003]);
  });
});
