import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { MessageMeter } from './message-meter.ts';

describe('messages', () => {
  const message = (length: number): number[] => [
    0,
    0,
    0,
    length >> 8,
    length & 255,
    ...Array(length).fill(7),
  ];

  it('are as long as they may, however they are cut', () => {
    const bytes = Uint8Array.from([...message(300), ...message(0), ...message(1), ...message(300)]);
    for (const step of [1, 2, 5, 7, 300, 1000]) {
      const passes = (bytesMax: number): boolean => {
        const meter = new MessageMeter(bytesMax);
        for (let at = 0; at < bytes.length; at += step)
          if (!meter.pass(bytes.subarray(at, at + step))) return false;
        return meter.isBetween;
      };
      assert.deepEqual([passes(300), passes(299)], [true, false]);
    }
    assert.equal(new MessageMeter(4_294_967_294).pass(Uint8Array.from([1, 255, 255, 255, 255])), false);
  });

  it('end where they say', () => {
    const meter = new MessageMeter(Infinity);
    const ends = [...message(2), ...message(0)].map((byte) => {
      meter.pass(Uint8Array.of(byte));
      return meter.isBetween;
    });
    assert.deepEqual(
      ends.flatMap((isEnd, at) => (isEnd ? [at] : [])),
      [6, 11],
    );
  });

  it('have the flags that they may', () => {
    const passes = (flags: number): boolean => new MessageMeter(Infinity, 1).pass(Uint8Array.of(flags));
    assert.deepEqual([0, 1, 2, 0x80].map(passes), [true, true, false, false]);
  });
});
