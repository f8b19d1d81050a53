import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { tickMs } from '../proxy/timer-wheel.ts';
import { type FakePeer, TunnelFixture, type TunnelSetting } from '../testing/tunnel-fixture.ts';
import { closePayload, fromClient, fromUpstream } from '../testing/websocket-frames.ts';

/** Deadlines are noticed so late at most. */
const lateMs = 2 * tickMs;
/** In which peers have to answer a close frame of the node. */
const closeMs = 5000;

const idleText = 'close 1001 nothing has come for too long';
const close = (code: number): Buffer => closePayload(code);

/** Nothing is told before `ms` are over, and both sides are told then. */
function assertEndsAfter(fixture: TunnelFixture, ms: number, told: string): void {
  const { clock, client, upstream } = fixture;
  const before = client.told.length;
  clock.advance(ms - tickMs);
  assert.deepEqual(client.told.slice(before), []);
  clock.advance(tickMs + lateMs);
  assert.deepEqual(client.told.slice(before), [told]);
  assert.equal(upstream.told.at(-1), 'close 1001');
}

const isCut = (peer: FakePeer): boolean => peer.isDestroyed;

describe('a WebSocket that nobody says anything on', () => {
  it('ends when it has been so for the idle timeout, and is cut when nobody answers', () => {
    const fixture = new TunnelFixture({ idleMs: 60_000 });
    assertEndsAfter(fixture, 60_000, idleText);
    fixture.clock.advance(closeMs - lateMs - tickMs);
    assert.equal(fixture.isOver, false);
    fixture.clock.advance(lateMs + tickMs);
    assert.ok(isCut(fixture.client) && isCut(fixture.upstream));
    assert.ok(fixture.isOver);
    assert.deepEqual([fixture.record.ended, fixture.record.closeCode], ['idle', 1001]);
    fixture.clock.advance(1000);
    assert.equal(fixture.clock.pendingTimers, 0);
  });

  it('goes on with a byte of either side, again and again', () => {
    const fixture = new TunnelFixture({ idleMs: 60_000 });
    for (let count = 0; count < 10; count += 1) {
      fixture.clock.advance(50_000);
      if (count % 2 === 0) fixture.give('client', fromClient(1, 'a'));
      else fixture.give('upstream', fromUpstream(1, 'b'));
    }
    assert.deepEqual(fixture.client.told, Array(5).fill('text b'));
    assertEndsAfter(fixture, 60_000, idleText);
  });

  it('goes on for ever without a timeout, and costs no timer', () => {
    const fixture = new TunnelFixture();
    assert.equal(fixture.clock.pendingTimers, 0);
    fixture.clock.advance(1_000_000_000);
    assert.equal(fixture.overs, 0);
  });

  it('is not idle while a peer takes what waits for it', () => {
    const fixture = new TunnelFixture({ idleMs: 60_000 });
    fixture.client.isStuck = true;
    fixture.give('upstream', fromUpstream(2, Buffer.alloc(100_000)));
    for (let count = 0; count < 100; count += 1) {
      fixture.clock.advance(30_000);
      fixture.take('client', 100);
    }
    assert.equal(fixture.record.ended, undefined);
    assert.equal(fixture.overs, 0);
    // It stops to.
    fixture.clock.advance(121_000);
    assert.equal(fixture.client.told.at(-1), idleText);
  });
});

describe('a lifetime', () => {
  it('ends a WebSocket whatever goes on', () => {
    const fixture = new TunnelFixture({ lifetimeMs: 100_000, idleMs: 60_000 });
    for (let count = 0; count < 9; count += 1) {
      fixture.clock.advance(10_000);
      fixture.give('client', fromClient(1, 'a'));
    }
    assertEndsAfter(fixture, 10_000, 'close 1001 it has lasted as long as it may');
    fixture.clock.advance(closeMs);
    assert.equal(fixture.record.ended, 'lifetime');
  });
});

describe('pings', () => {
  const setting: TunnelSetting = { pingIntervalMs: 30_000, pongTimeoutMs: 10_000, rules: {} };
  const unanswered = 'close 1001 a ping was not answered';
  const pings = ({ client }: TunnelFixture): number =>
    client.told.filter((text) => text.startsWith('ping')).length;

  it('come at their interval, whatever else passes, and are answered by any byte', () => {
    const fixture = new TunnelFixture(setting);
    for (let count = 1; count <= 10; count += 1) {
      fixture.clock.advance(30_000);
      assert.equal(pings(fixture), count);
      fixture.give('client', fromClient(1, 'a').subarray(0, 1));
      fixture.give('client', fromClient(1, 'a').subarray(1));
    }
  });

  it('that are not answered in time end it', () => {
    const fixture = new TunnelFixture(setting);
    fixture.clock.advance(30_000 + lateMs);
    assert.equal(pings(fixture), 1);
    fixture.clock.advance(10_000 - 3 * tickMs);
    assert.equal(fixture.client.told.length, 1);
    fixture.clock.advance(4 * tickMs);
    assert.equal(fixture.client.told.at(-1), unanswered);
    fixture.clock.advance(closeMs + lateMs);
    assert.equal(fixture.record.ended, 'unanswered');
    assert.ok(fixture.isOver);
  });

  it('are answered in time although they are more frequent than the time for the answer', () => {
    const fixture = new TunnelFixture({ pingIntervalMs: 1000, pongTimeoutMs: 10_000, rules: {} });
    fixture.clock.advance(9900);
    assert.ok(pings(fixture) >= 8);
    fixture.give('client', fromClient(10, 'x'));
    fixture.clock.advance(9900);
    assert.equal(fixture.overs, 0);
    fixture.clock.advance(2000);
    assert.equal(fixture.client.told.at(-1), unanswered);
  });

  it('wait for the end of a frame of the upstream', () => {
    const fixture = new TunnelFixture(setting);
    const frame = fromUpstream(1, 'hello');
    fixture.give('upstream', frame.subarray(0, 3));
    fixture.clock.advance(60_000);
    assert.equal(fixture.client.received.length, 3);
    fixture.give('upstream', frame.subarray(3));
    fixture.clock.advance(lateMs);
    assert.equal(fixture.client.told[0], 'text hello');
    assert.equal(pings(fixture), 1);
  });

  it('are not held against a client that is not read', () => {
    const fixture = new TunnelFixture(setting);
    fixture.upstream.isStuck = true;
    fixture.clock.advance(30_000 + lateMs);
    fixture.give('client', fromClient(1, 'a'));
    assert.equal(fixture.client.isPaused, true);
    fixture.clock.advance(300_000);
    assert.equal(pings(fixture), 1);
    fixture.upstream.isStuck = false;
    fixture.take('upstream');
    assert.equal(fixture.client.isPaused, false);
    fixture.clock.advance(tickMs * 3);
    assert.equal(pings(fixture), 2);
    fixture.clock.advance(9000);
    assert.equal(fixture.overs, 0);
    fixture.clock.advance(1500);
    assert.equal(fixture.client.told.at(-1), unanswered);
  });

  it('that went out before it was held give it the whole time again', () => {
    const fixture = new TunnelFixture(setting);
    fixture.clock.advance(30_000 + lateMs);
    fixture.upstream.isStuck = true;
    // A read that was under way.
    fixture.give('client', fromClient(1, 'a'));
    fixture.clock.advance(20_000);
    fixture.take('upstream');
    fixture.clock.advance(9000);
    assert.notEqual(fixture.client.told.at(-1), unanswered);
  });

  it('are not held against a client that takes what it was sent before', () => {
    const fixture = new TunnelFixture(setting);
    fixture.client.isStuck = true;
    fixture.give('upstream', fromUpstream(2, Buffer.alloc(100_000)));
    for (let count = 0; count < 30; count += 1) {
      fixture.clock.advance(5000);
      fixture.take('client', 1000);
    }
    assert.equal(fixture.record.closeCode, undefined);
    fixture.clock.advance(60_000);
    assert.equal(fixture.record.closeCode, 1001);
  });

  it('end with the first close frame', () => {
    for (const from of ['client', 'upstream'] as const) {
      const fixture = new TunnelFixture(setting);
      fixture.give(from, from === 'client' ? fromClient(8, close(1000)) : fromUpstream(8, close(1000)));
      let timers = 0;
      for (let ms = 0; ms < 25_000; ms += 100) {
        fixture.clock.advance(100);
        timers += fixture.clock.pendingTimers;
      }
      assert.ok(timers <= 250);
      assert.equal(pings(fixture), 0);
      fixture.clock.advance(10_000);
      assert.ok(fixture.isOver, from);
    }
  });
});

describe('what let a WebSocket in', () => {
  const expired = 'close 1008 the credentials have expired';

  it('ends it when it expires, and after the grace', () => {
    assertEndsAfter(new TunnelFixture({ expiresInMs: 100_000 }), 100_000, expired);
    const graced = new TunnelFixture({ expiresInMs: 100_000, graceMs: 50_000 });
    assertEndsAfter(graced, 150_000, expired);
    graced.clock.advance(closeMs);
    assert.deepEqual([graced.record.ended, graced.record.closeCode], ['expired', 1008]);
  });

  it('may be renewed, each time for a while', () => {
    const fixture = new TunnelFixture({ expiresInMs: 100_000, renewals: [200_000, 5000] });
    fixture.clock.advance(299_000);
    assert.deepEqual(fixture.client.told, []);
    assertEndsAfter(fixture, 6000, expired);
  });

  it('expires by the clock on the wall, however it is set', () => {
    const fixture = new TunnelFixture({ expiresInMs: 10_000_000 });
    fixture.clock.jumpWall(20_000_000);
    fixture.clock.advance(30_000 + lateMs);
    assert.deepEqual(fixture.client.told, [expired]);
  });

  it('has expired at once when it had before the upstream agreed', () => {
    const fixture = new TunnelFixture({ expiresInMs: -1000 });
    fixture.clock.advance(lateMs);
    assert.deepEqual(fixture.client.told, [expired]);
  });
});

describe('a WebSocket that is condemned', () => {
  const gone = 'close 1012 the route has gone';

  it('ends at its time, and is cut at the deadline', () => {
    const fixture = new TunnelFixture();
    fixture.tunnel.condemn('routeGone', 10_000, 12_000);
    assertEndsAfter(fixture, 10_000, gone);
    fixture.clock.advance(2000 - lateMs - tickMs);
    assert.equal(fixture.overs, 0);
    fixture.clock.advance(lateMs + tickMs);
    assert.ok(fixture.isOver);
    assert.deepEqual([fixture.record.ended, fixture.record.closeCode], ['routeGone', 1012]);
  });

  it('has no more than the usual time to answer', () => {
    const fixture = new TunnelFixture();
    fixture.tunnel.condemn('drained', 0, 60_000);
    fixture.clock.advance(lateMs);
    assert.deepEqual(fixture.client.told, ['close 1001 the gateway is going away']);
    fixture.clock.advance(closeMs + lateMs);
    assert.ok(fixture.isOver);
    assert.equal(fixture.streams.drained, 1);
  });

  it('is so for the first reason that there is', () => {
    const fixture = new TunnelFixture();
    fixture.tunnel.condemn('routeGone', 10_000, 20_000);
    fixture.tunnel.condemn('drained', 0, 0);
    assertEndsAfter(fixture, 10_000, gone);
  });

  it('is cut within an open frame, when that does not end', () => {
    const fixture = new TunnelFixture();
    fixture.give('upstream', fromUpstream(1, 'hello').subarray(0, 3));
    fixture.tunnel.condemn('routeGone', 0, 20_000);
    fixture.clock.advance(lateMs);
    assert.equal(fixture.client.received.length, 3);
    assert.deepEqual(fixture.upstream.told, ['close 1001']);
    fixture.clock.advance(closeMs);
    assert.ok(fixture.isOver);
    assert.equal(fixture.record.ended, 'routeGone');
  });

  it('lives no longer for it than it would have', () => {
    const fixture = new TunnelFixture();
    fixture.tunnel.onPeerEnd('client');
    fixture.tunnel.condemn('drained', 100_000, 200_000);
    fixture.clock.advance(10_000 + lateMs);
    assert.ok(fixture.isOver);
  });

  it('is over at once when both answer', () => {
    const fixture = new TunnelFixture();
    fixture.tunnel.condemn('routeGone', 0, 60_000);
    fixture.clock.advance(lateMs);
    fixture.give('client', fromClient(8, close(1012)));
    assert.ok(fixture.client.isEnded && !fixture.upstream.isEnded);
    fixture.give('upstream', fromUpstream(8, close(1001)));
    assert.ok(fixture.upstream.isEnded);
    fixture.leave('client');
    fixture.leave('upstream');
    assert.ok(fixture.isOver);
    assert.deepEqual([fixture.record.ended, fixture.record.closeCode], ['routeGone', 1012]);
    assert.deepEqual([fixture.client.told, fixture.upstream.told], [[gone], ['close 1001']]);
  });

  it('is cut although it takes nothing any more', () => {
    const fixture = new TunnelFixture();
    fixture.client.isStuck = true;
    fixture.give('upstream', fromUpstream(1, 'hello'));
    fixture.tunnel.condemn('routeGone', 0, 60_000);
    fixture.clock.advance(lateMs + closeMs);
    assert.ok(fixture.isOver);
  });
});

describe('close frames of the peers', () => {
  for (const [first, second] of [
    ['client', 'upstream'],
    ['upstream', 'client'],
  ] as const) {
    const frame = (from: string, code: number): Buffer =>
      from === 'client' ? fromClient(8, close(code)) : fromUpstream(8, close(code));

    it(`pass as they are when the ${first} begins`, () => {
      const fixture = new TunnelFixture({ idleMs: 1000, lifetimeMs: 2000 });
      fixture.give(first, frame(first, 4001));
      fixture.give(second, frame(second, 4001));
      fixture.leave('upstream');
      assert.equal(fixture.client.isEnded, true);
      fixture.leave('client');
      assert.ok(fixture.isOver);
      assert.deepEqual([fixture.client.told, fixture.upstream.told], [['close 4001'], ['close 4001']]);
      assert.deepEqual([fixture.record.ended, fixture.record.closeCode], ['closed', 4001]);
    });

    it(`may be all that there is: of the ${first}, whom nobody answers`, () => {
      const fixture = new TunnelFixture();
      fixture.give(first, frame(first, 1000));
      fixture.clock.advance(29_000);
      assert.equal(fixture.overs, 0);
      fixture.give(second, first === 'client' ? fromUpstream(1, 'late') : fromClient(1, 'late'));
      assert.equal(fixture.peer(first).told.at(-1), 'text late');
      fixture.clock.advance(1000 + lateMs);
      assert.ok(fixture.isOver);
    });
  }

  it('are waited for no longer than for an answer to a close frame', () => {
    const fixture = new TunnelFixture({ idleMs: 1000 });
    fixture.give('client', fromClient(8, close(1000)));
    fixture.give('upstream', fromUpstream(8, close(1000)));
    fixture.clock.advance(closeMs + lateMs);
    assert.ok(fixture.isOver);
    assert.deepEqual([fixture.record.ended, fixture.record.closeCode], ['closed', 1000]);
  });

  it('may be without a code', () => {
    const fixture = new TunnelFixture();
    fixture.give('client', fromClient(8));
    fixture.give('upstream', fromUpstream(8));
    fixture.leave('upstream');
    fixture.leave('client');
    assert.deepEqual([fixture.record.ended, fixture.record.closeCode], ['closed', 1005]);
  });
});

describe('ends of connections', () => {
  for (const [one, other] of [
    ['client', 'upstream'],
    ['upstream', 'client'],
  ] as const) {
    it(`leave the other half for a while: of the ${one}`, () => {
      const fixture = new TunnelFixture();
      fixture.tunnel.onPeerEnd(one);
      assert.deepEqual([fixture.peer(other).isEnded, fixture.peer(one).isEnded], [true, false]);
      fixture.clock.advance(9900);
      fixture.give(other, Buffer.from('late'));
      assert.equal(fixture.peer(one).received.toString(), 'late');
      assert.equal(fixture.overs, 0);
      fixture.clock.advance(100 + lateMs);
      assert.ok(isCut(fixture.client) && isCut(fixture.upstream) && fixture.isOver);
      assert.equal(fixture.record.ended, 'cut');
    });

    it(`may be a cut of the ${one}, which the other is to see`, () => {
      const fixture = new TunnelFixture();
      fixture.tunnel.onPeerGone(one);
      assert.deepEqual([isCut(fixture.peer(other)), fixture.peer(other).isEnded], [true, false]);
      fixture.tunnel.onPeerGone(other);
      assert.ok(fixture.isOver);
      assert.equal(fixture.record.ended, 'cut');
    });

    it(`of the ${one} alone are followed by a cut, when the other does not end`, () => {
      const fixture = new TunnelFixture();
      fixture.leave(one);
      assert.deepEqual([isCut(fixture.peer(other)), fixture.peer(other).isEnded], [false, true]);
      fixture.clock.advance(closeMs + lateMs);
      assert.ok(fixture.isOver);
    });

    it(`may come in any order, and late: of the ${one} after all is over`, () => {
      const fixture = new TunnelFixture({ idleMs: 1000 });
      fixture.clock.advance(1000 + closeMs + 2 * lateMs);
      assert.ok(fixture.isOver);
      fixture.tunnel.onPeerDrain(one);
      fixture.tunnel.onPeerEnd(one);
      fixture.tunnel.onPeerGone(one);
      fixture.tunnel.onPeerGone(other);
      assert.equal(fixture.give(other, Buffer.from('x')), true);
      fixture.tunnel.condemn('drained', 0, 0);
      fixture.clock.advance(1000);
      assert.ok(fixture.isOver);
      assert.equal(fixture.clock.pendingTimers, 0);
    });

    it(`are read although the ${one}, which is gone, had not taken everything`, () => {
      const fixture = new TunnelFixture();
      fixture.peer(one).isStuck = true;
      assert.equal(fixture.give(other, Buffer.alloc(10)), false);
      assert.equal(fixture.peer(other).isPaused, true);
      fixture.leave(one);
      assert.equal(fixture.peer(other).isPaused, false);
    });
  }

  it('of both are all that is needed', () => {
    const fixture = new TunnelFixture();
    fixture.leave('client');
    fixture.leave('upstream');
    assert.ok(fixture.isOver);
    assert.equal(fixture.record.ended, 'cut');
  });
});
