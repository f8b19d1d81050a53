import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';

import { splitAt } from '../../testing/websocket-frames.ts';
import { keepAliveComment } from './event-stream.ts';
import { EventTracker } from './event-tracker.ts';

/** Line ends and little else; every second text has a long line as well. */
const anyStream = fc
  .array(fc.constantFrom('\n', '\r', '\r\n', 'x', ':', 'data: 1', 'ä', 'y'.repeat(50)), { maxLength: 14 })
  .map((parts) => Buffer.from(parts.join('')));

/** By splitting into lines, as the grammar has them. */
function isGap(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  if (text === '') return true;
  return /[\r\n]$/.test(text) && text.split(/\r\n|\r|\n/).at(-2) === '';
}

/** The data of each event, as clients read them (WHATWG HTML section 9.2.6). */
function eventsIn(bytes: Buffer): string[] {
  const events: string[] = [];
  let data: string[] = [];
  for (const line of bytes
    .toString('latin1')
    .split(/\r\n|\r|\n/)
    .slice(0, -1)) {
    if (line !== '') {
      if (!line.startsWith(':')) data.push(line);
    } else if (data.length > 0) events.push(data.splice(0).join('\n'));
  }
  return events;
}

describe('an event tracker', () => {
  it('is between events before the first byte and behind an empty line', () => {
    for (const [text, expected] of [
      ['', true],
      ['d', false],
      ['data: 1\n', false],
      ['data: 1\n\n', true],
      ['data: 1\n\nd', false],
      ['data: 1\r\n', false],
      ['data: 1\r\n\r', true],
      ['data: 1\r\n\r\n', true],
      ['data: 1\r', false],
      ['data: 1\r\r', true],
      ['data: 1\r\r\n', true],
      ['data: 1\n\r', true],
      ['data: 1\n\r\n', true],
      ['data: 1\r\n\n', true],
      ['\n', true],
      ['\r', true],
      ['\r\n', true],
      [':\n', false],
      [':\n\n', true],
      ['data: 1\n\n\n', true],
    ] as const) {
      const bytes = Buffer.from(text);
      assert.equal(isGap(bytes), expected, JSON.stringify(text));
      for (let at = 0; at <= bytes.length; at += 1) {
        const tracker = new EventTracker();
        for (const piece of splitAt(bytes, [at])) tracker.take(piece);
        assert.equal(tracker.isBetween, expected, `${JSON.stringify(text)} in two at ${at}`);
      }
    }
  });

  it('finds the same places however the bytes are split', () => {
    fc.assert(
      fc.property(anyStream, fc.array(fc.nat({ max: 120 })), (bytes, cuts) => {
        const tracker = new EventTracker();
        let passed = 0;
        for (const piece of splitAt(
          bytes,
          cuts.map((cut) => Math.min(cut, bytes.length)),
        )) {
          tracker.take(piece);
          passed += piece.length;
          assert.equal(tracker.isBetween, isGap(bytes.subarray(0, passed)), `after ${passed}`);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('finds the first place within a piece', () => {
    fc.assert(
      fc.property(anyStream, fc.nat({ max: 120 }), (bytes, cut) => {
        const start = Math.min(cut, bytes.length);
        const tracker = new EventTracker();
        tracker.take(bytes.subarray(0, start));
        const took = tracker.takeToGap(bytes.subarray(start));
        const places = Array.from({ length: bytes.length - start + 1 }, (_, index) => start + index);
        const first = places.find((at) => isGap(bytes.subarray(0, at)));
        assert.equal(took, (first ?? bytes.length) - start);
        assert.equal(tracker.isBetween, first !== undefined);
      }),
      { numRuns: 1000 },
    );
  });

  it('lets nothing change by what is put there: clients read the same events', () => {
    fc.assert(
      fc.property(anyStream, fc.nat({ max: 120 }), (bytes, cut) => {
        const at = Math.min(cut, bytes.length);
        const tracker = new EventTracker();
        tracker.take(bytes.subarray(0, at));
        if (!tracker.isBetween) return;
        const commented = Buffer.concat([bytes.subarray(0, at), keepAliveComment, bytes.subarray(at)]);
        assert.deepEqual(eventsIn(commented), eventsIn(bytes));
      }),
      { numRuns: 1000 },
    );
  });

  it('takes what stands before the gap and nothing of the next event', () => {
    const tracker = new EventTracker();
    tracker.take(Buffer.from('data: 1\nda'));
    const rest = Buffer.from('ta: 2\n\ndata: 3\n\n');
    assert.equal(tracker.takeToGap(rest), 'ta: 2\n\n'.length);
    assert.equal(tracker.isBetween, true);
    assert.equal(tracker.takeToGap(Buffer.from('data: 3\n\n')), 0);
  });
});
