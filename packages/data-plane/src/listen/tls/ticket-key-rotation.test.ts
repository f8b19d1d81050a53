import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger } from '@causeway/runtime/logger';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { TicketKeyRotation } from './ticket-key-rotation.ts';

const hourMs = 3_600_000;
const keysOf = (byte: number): Uint8Array => new Uint8Array(48).fill(byte);

function setting() {
  const clock = new ManualClock();
  const used: Uint8Array[] = [];
  const logs: string[] = [];
  const logger = createLogger({ level: 'info', write: (line) => logs.push(line) });
  const rotation = new TicketKeyRotation({ clock, logger, use: (keys) => used.push(keys) });
  rotation.start();
  return { clock, used, logs, rotation };
}

describe('TicketKeyRotation', () => {
  it('replaces the keys of a node that is told none', () => {
    const { clock, used, rotation } = setting();
    clock.advance(12 * hourMs - 1);
    assert.equal(used.length, 0);
    clock.advance(1);
    clock.advance(12 * hourMs);
    assert.equal(used.length, 2);
    assert.notDeepEqual(used[0], used[1]);
    assert.equal(used[0]?.byteLength, 48);
    rotation.stop();
    assert.equal(clock.pendingTimers, 0);
  });

  it('uses those of the Gateway, and goes on with the last ones until they are too old', () => {
    const { clock, used, rotation } = setting();
    rotation.learn(keysOf(1), 5 * hourMs);
    clock.advance(5 * hourMs);
    rotation.learn(keysOf(2), 12 * hourMs);
    assert.deepEqual(used, [keysOf(1), keysOf(2)]);
    clock.advance(24 * hourMs - 1);
    assert.equal(used.length, 2, 'the control plane is away');
    clock.advance(1);
    assert.equal(used.length, 3);
    rotation.learn(keysOf(3), 12 * hourMs);
    assert.deepEqual(used.at(-1), keysOf(3), 'the control plane is back');
  });

  it('keeps no more than the keys of the message that they came in', () => {
    const { used, rotation } = setting();
    rotation.learn(new Uint8Array(1000).fill(7).subarray(100, 148), hourMs);
    assert.equal(used[0]?.buffer.byteLength, 48);
  });

  it('refuses keys of another length, and tells none of them', () => {
    const { used, logs, rotation } = setting();
    for (const bytes of [0, 47, 49]) rotation.learn(new Uint8Array(bytes).fill(77), hourMs);
    assert.equal(used.length, 0);
    assert.equal(logs.length, 3);
    assert.ok(!/77,77|4d4d/i.test(logs.join()));
  });
});
