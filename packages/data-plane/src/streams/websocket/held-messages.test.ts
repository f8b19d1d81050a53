import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { TunnelSides } from '../../testing/tunnel-sides.ts';
import { fromClient } from '../../testing/websocket-frames.ts';
import { HeldMessages } from './held-messages.ts';
import { MessagePass } from './message-pass.ts';
import { noRules } from './message-rules.ts';

function sharing(held: HeldMessages): TunnelSides {
  const sides = new TunnelSides();
  sides.pass = new MessagePass(sides, noRules, new ManualClock(), held);
  return sides;
}

const text = fromClient(1, 'x'.repeat(90));
const ping = fromClient(9, 'alive');

describe('messages that are not whole', () => {
  it('may be so large together: at, and over', () => {
    const held = new HeldMessages(100);
    const [one, other, third] = [sharing(held), sharing(held), sharing(held)];
    one.give('client', text.subarray(0, 60));
    other.give('client', text.subarray(0, 40));
    assert.deepEqual([one.violations, other.violations], [[], []]);
    third.give('client', text.subarray(0, 1));
    assert.equal(third.violations[0]?.code, 1013);
    assert.equal(held.bytes, 100, 'it lets go what it held');
    third.give('client', text);
    assert.equal(held.bytes, 100, 'nothing is held of what passes no more');
    one.give('client', text.subarray(60));
    assert.equal(held.bytes, 40);
    assert.equal(one.frames('upstream').length, 1);
  });

  it('are no others: not what comes in one piece, nor pings, between messages and within one', () => {
    const held = new HeldMessages(100);
    const sides = sharing(held);
    for (let count = 0; count < 50; count += 1) sides.give('client', text, ping);
    assert.equal(held.bytes, 0);
    const [begin, end] = [fromClient(1, 'be', { isFinal: false }), fromClient(0, 'gin')];
    sides.give('client', begin);
    for (let count = 0; count < 50; count += 1) sides.give('client', ping);
    assert.equal(held.bytes, begin.length);
    sides.give('client', end);
    assert.deepEqual([held.bytes, sides.violations], [0, []]);
  });

  it('are let go when the WebSocket closes, by whomever, or is gone', () => {
    const held = new HeldMessages(100);
    const begun = (): TunnelSides => {
      const sides = sharing(held);
      sides.give('client', text.subarray(0, 30));
      return sides;
    };
    begun().pass!.close(1001, '');
    assert.equal(held.bytes, 0);
    begun().pass!.end();
    assert.equal(held.bytes, 0);
  });
});
