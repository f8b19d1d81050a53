import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeOf, decodeFrame, encodeClose, encodeFrame, opcodes } from './websocket-frames.ts';

test('a frame comes back as it was written, at each form of its length, masked or not', () => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536]) {
    for (const masked of [true, false]) {
      const payload = Buffer.alloc(length, 'abc');
      const bytes = encodeFrame({ opcode: opcodes.binary, payload, masked, fin: false, reserved: 5 });
      const frame = { fin: false, reserved: 5, opcode: opcodes.binary, masked, payload };
      assert.deepEqual(decodeFrame(bytes), { frame, end: bytes.length });
      assert.equal(decodeFrame(bytes.subarray(0, -1)), undefined);
    }
  }
});

test('the examples of RFC 6455 section 5.7 are read', () => {
  const hello = decodeFrame(Buffer.from('818537fa213d7f9f4d5158', 'hex'));
  assert.deepEqual([hello?.frame.payload.toString(), hello?.frame.masked, hello?.end], ['Hello', true, 11]);
  assert.deepEqual(
    encodeFrame({ opcode: opcodes.text, payload: 'Hel', fin: false, masked: false }),
    Buffer.from('010348656c', 'hex'),
  );
});

test('a close frame has a code and a reason, or neither', () => {
  const read = (bytes: Buffer): unknown => closeOf(decodeFrame(bytes)!.frame);
  assert.deepEqual(read(encodeClose(4001, 'bye')), { code: 4001, reason: 'bye' });
  assert.deepEqual(read(encodeClose()), { code: 1005, reason: '' });
});
