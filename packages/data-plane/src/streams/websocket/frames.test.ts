import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';

import { readClose, readWebsocketFrames } from '../../testing/websocket-frames.ts';
import { closeFrame, closeReasonBytesMax, controlFrame, messageFrame } from './frames.ts';

describe('frames of our own', () => {
  it('close with code and reason', () => {
    for (const isMasked of [true, false]) {
      const [frame, more] = readWebsocketFrames(closeFrame(1012, 'the Route is gone', isMasked));
      assert.equal(more, undefined);
      assert.deepEqual(readClose(frame!), { code: 1012, reason: 'the Route is gone' });
      assert.equal(frame!.mask !== undefined, isMasked);
      assert.equal(frame!.isFinal, true);
      assert.equal(frame!.reserved, 0);
    }
  });

  it('close without a code where there was none', () => {
    const [frame] = readWebsocketFrames(closeFrame(1005, '', true));
    assert.equal(frame!.payload.length, 0);
  });

  it('hold as many whole characters of a reason as fit', () => {
    for (const [reason, bytes] of [
      ['x'.repeat(122), 122],
      ['x'.repeat(123), 123],
      ['x'.repeat(124), 123],
      [`${'x'.repeat(121)}ä`, 123],
      [`${'x'.repeat(122)}ä`, 122],
      [`${'x'.repeat(120)}€`, 123],
      [`${'x'.repeat(121)}€`, 121],
      [`${'x'.repeat(120)}😀`, 120],
    ] as const) {
      const [frame] = readWebsocketFrames(closeFrame(1001, reason, false));
      assert.equal(frame!.payload.length - 2, bytes, reason.slice(118));
      assert.equal(reason.startsWith(readClose(frame!).reason), true);
    }
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (reason) => {
        const [frame] = readWebsocketFrames(closeFrame(1001, reason, true));
        assert.equal(reason.startsWith(readClose(frame!).reason), true);
        const isWhole = Buffer.byteLength(reason) <= closeReasonBytesMax;
        if (isWhole) assert.equal(readClose(frame!).reason, reason);
        else assert.ok(frame!.payload.length - 2 > closeReasonBytesMax - 4);
      }),
    );
  });

  it('leave a control payload as it was', () => {
    const payload = Buffer.from('some 24 bytes or more of it');
    const before = Buffer.from(payload);
    const [frame] = readWebsocketFrames(controlFrame(9, payload, true));
    assert.deepEqual(frame!.payload, before);
    assert.deepEqual(payload, before);
  });

  it('hold messages of every length, each with a mask of its own', () => {
    const masks = new Set<string>();
    for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
      const data = Buffer.alloc(length, 'abcde');
      const [frame, more] = readWebsocketFrames(
        Buffer.concat(messageFrame(Buffer.from(data), length % 2 === 0)),
      );
      assert.equal(more, undefined);
      assert.deepEqual(frame!.payload, data);
      assert.equal(frame!.opcode, length % 2 === 0 ? 1 : 2);
      masks.add(frame!.mask!.toString('hex'));
    }
    assert.equal(masks.size, 6);
  });
});
