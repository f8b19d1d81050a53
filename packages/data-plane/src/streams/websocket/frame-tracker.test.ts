import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';

import {
  closePayload,
  type FrameForm,
  fromClient,
  fromUpstream,
  splitAt,
  websocketFrame,
} from '../../testing/websocket-frames.ts';
import { FrameTracker } from './frame-tracker.ts';

const mask = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes));
/** Of any kind, right or wrong, with every form of length. */
const anyFrame: fc.Arbitrary<FrameForm> = fc
  .record({
    opcode: fc.integer({ min: 0, max: 15 }),
    isFinal: fc.boolean(),
    reserved: fc.integer({ min: 0, max: 7 }),
    payload: fc
      .oneof(fc.constantFrom(0, 1, 2, 125, 126, 127, 65_535, 65_536), fc.integer({ min: 0, max: 300 }))
      .map((length) => Buffer.alloc(length, 'ab')),
    mask: fc.option(mask, { nil: undefined }),
    lengthBits: fc.constantFrom(undefined, 64 as const),
  })
  .map(({ lengthBits, ...form }) => (lengthBits === undefined ? form : { ...form, lengthBits }));

function closeCodeOf(frames: readonly FrameForm[]): number | undefined {
  const payload = frames.find(({ opcode }) => opcode === 8)?.payload;
  if (payload === undefined) return undefined;
  return payload.length < 2 ? 1005 : payload.readUInt16BE(0);
}

describe('a frame tracker', () => {
  it('is between frames before the first byte, and behind each, however the bytes are split', () => {
    const sizes = fc.array(fc.nat({ max: 400 }), { maxLength: 40 });
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 6 }), sizes, (frames, steps) => {
        const bytes = frames.map(websocketFrame);
        const whole = Buffer.concat(bytes);
        let end = 0;
        const ends = new Set([0, ...bytes.map(({ length }) => (end += length))]);
        // Heads byte by byte; and pieces of any size, empty ones too.
        const places = steps.reduce<number[]>(
          (all, step) => [...all, Math.min((all.at(-1) ?? 0) + step, whole.length)],
          [],
        );
        for (const start of ends)
          for (let at = start; at <= start + 15; at += 1) places.push(Math.min(at, whole.length));
        const tracker = new FrameTracker();
        let passed = 0;
        for (const piece of splitAt(whole, places)) {
          tracker.take(piece);
          passed += piece.length;
          assert.equal(tracker.isBetween, ends.has(passed), `after ${passed} of ${[...ends].join(', ')}`);
          const before = frames.slice(0, [...ends].filter((at) => at <= passed).length - 1);
          assert.equal(tracker.closeCode, closeCodeOf(before));
        }
        assert.equal(tracker.isLost, false);
      }),
      { numRuns: 300 },
    );
  });

  it('finds the same ends in one piece', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { minLength: 1, maxLength: 6 }), fc.nat(), (frames, cut) => {
        const bytes = frames.map(websocketFrame);
        const whole = Buffer.concat(bytes);
        const start = cut % (whole.length + 1);
        let end = 0;
        const ends = [0, ...bytes.map(({ length }) => (end += length))];
        const tracker = new FrameTracker();
        tracker.take(whole.subarray(0, start));
        // Between two frames already, it is the end of the next one.
        const next = ends.find((at) => at > start) ?? whole.length;
        assert.equal(tracker.takeFrame(whole.subarray(start)), next - start);
        assert.equal(tracker.isBetween, true);
        tracker.take(whole.subarray(next));
        assert.equal(tracker.isBetween, true);
        assert.equal(tracker.closeCode, closeCodeOf(frames));
      }),
      { numRuns: 300 },
    );
  });

  it('takes all where the frame goes on', () => {
    const tracker = new FrameTracker();
    const frame = fromClient(2, Buffer.alloc(1000));
    assert.equal(tracker.takeFrame(frame.subarray(0, 999)), 999);
    assert.equal(tracker.isBetween, false);
    assert.equal(tracker.takeFrame(frame.subarray(999)), frame.length - 999);
    assert.equal(tracker.isBetween, true);
  });

  it('reads the code of a close frame, masked or not, and of the first alone', () => {
    for (const [payload, code] of [
      [Buffer.alloc(0), 1005],
      [Buffer.from([3]), 1005],
      [closePayload(1000), 1000],
      [closePayload(4001, 'bye'), 4001],
      [closePayload(65_535), 65_535],
    ] as const)
      for (const frame of [fromClient(8, payload), fromUpstream(8, payload)])
        for (let at = 0; at <= frame.length; at += 1) {
          const tracker = new FrameTracker();
          tracker.take(frame.subarray(0, at));
          if (at < frame.length) assert.equal(tracker.closeCode, undefined);
          tracker.take(frame.subarray(at));
          tracker.take(fromUpstream(8, closePayload(1011)));
          assert.equal(tracker.closeCode, code);
        }
  });

  it('follows a length of up to 2^53 - 1', () => {
    const tracker = new FrameTracker();
    const head = Buffer.from([0x82, 127, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    tracker.take(head);
    tracker.take(Buffer.alloc(1000));
    assert.equal(tracker.isLost, false);
    assert.equal(tracker.isBetween, false);
  });

  it('is lost behind a length that cannot be', () => {
    for (const length of ['0020000000000000', '0020000000000001', '8000000000000000', 'ffffffffffffffff'])
      for (const masked of [0, 0x80]) {
        const head = Buffer.concat([Buffer.from([0x82, 127 | masked]), Buffer.from(length, 'hex')]);
        const tracker = new FrameTracker();
        tracker.take(head.subarray(0, 9));
        assert.equal(tracker.isLost, false);
        const rest = Buffer.concat([head.subarray(9), fromUpstream(8, closePayload(1000))]);
        assert.equal(tracker.takeFrame(rest), rest.length);
        assert.equal(tracker.isLost, true);
        tracker.take(fromUpstream(10));
        assert.equal(tracker.isBetween, false);
        assert.equal(tracker.closeCode, undefined);
      }
  });
});
