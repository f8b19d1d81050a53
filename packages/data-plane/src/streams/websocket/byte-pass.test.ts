import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';

import { TunnelSides } from '../../testing/tunnel-sides.ts';
import {
  closePayload,
  fromClient,
  fromUpstream,
  readClose,
  splitAt,
} from '../../testing/websocket-frames.ts';
import { BytePass } from './byte-pass.ts';

function sidesOf(): TunnelSides {
  const sides = new TunnelSides();
  sides.pass = new BytePass(sides);
  return sides;
}

describe('a pass for bytes', () => {
  it('changes none of either side: frames of extensions, of no known kind, and what are no frames', () => {
    const any = fc.array(fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)));
    fc.assert(
      fc.property(any, (pieces) => {
        for (const [from, to] of [
          ['client', 'upstream'],
          ['upstream', 'client'],
        ] as const) {
          const sides = sidesOf();
          sides.give(from, ...pieces);
          assert.deepEqual(sides.bytes(to), Buffer.concat(pieces));
        }
      }),
    );
    const compressed = fromClient(1, 'pretend', { reserved: 4 });
    const sides = sidesOf();
    sides.give('client', compressed);
    assert.deepEqual(sides.bytes('upstream'), compressed);
  });

  it('closes the upstream behind the frame of the client that is open', () => {
    const open = fromClient(2, Buffer.alloc(70_000));
    for (const at of [1, 5, 13, 14, 15, 69_000, open.length - 1]) {
      const sides = sidesOf();
      sides.give('client', open.subarray(0, at));
      sides.pass!.close(1012, '');
      assert.equal(sides.pass!.isClosed('client'), true);
      assert.equal(sides.pass!.isClosed('upstream'), false);
      sides.give('client', ...splitAt(Buffer.concat([open.subarray(at), fromClient(1, 'late')]), [10]));
      const [frame, close, more] = sides.frames('upstream');
      assert.equal(frame!.payload.length, 70_000);
      assert.deepEqual(readClose(close!), { code: 1001, reason: '' });
      assert.notEqual(close!.mask, undefined);
      assert.equal(more, undefined);
      assert.deepEqual(sides.closeMoves, ['- - client', '- - client+upstream']);
    }
  });

  it('has nothing to say where both peers have closed', () => {
    const sides = sidesOf();
    sides.give('client', fromClient(8, closePayload(1000)));
    sides.give('upstream', fromUpstream(8, closePayload(1000)));
    const moves = sides.closeMoves.length;
    sides.pass!.close(1001, '');
    assert.equal(sides.closeMoves.length, moves);
    assert.deepEqual(sides.told('client'), ['close 1000']);
    assert.deepEqual(sides.told('upstream'), ['close 1000']);
  });

  it('puts no close into what the client sends as no frames', () => {
    const sides = sidesOf();
    const noise = Buffer.concat([Buffer.from([0x82, 0xff]), Buffer.alloc(30, 0xff)]);
    sides.give('client', noise);
    sides.pass!.close(1001, '');
    sides.give('client', noise);
    assert.equal(sides.pass!.isClosed('upstream'), false);
    assert.deepEqual(sides.bytes('upstream'), Buffer.concat([noise, noise]));
  });
});
