import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';
import * as fc from 'fast-check';

import { toldBy, TunnelSides } from '../../testing/tunnel-sides.ts';
import {
  clientMask,
  closePayload,
  type FrameForm,
  fromClient,
  fromUpstream,
  readWebsocketFrames,
  splitAt,
  websocketFrame,
} from '../../testing/websocket-frames.ts';
import { BytePass } from './byte-pass.ts';
import { MessagePass } from './message-pass.ts';
import { noRules } from './message-rules.ts';
import type { TunnelPass, TunnelPassOwner, TunnelSide } from './tunnel-pass.ts';

const passes: readonly { name: string; make: (owner: TunnelPassOwner) => TunnelPass }[] = [
  { name: 'a pass for bytes', make: (owner) => new BytePass(owner) },
  { name: 'a pass for messages', make: (owner) => new MessagePass(owner, noRules, new ManualClock()) },
];

/** Messages in fragments, control frames among them: what a peer may send. */
const anyMessages: fc.Arbitrary<FrameForm[]> = fc
  .array(
    fc.record({
      opcode: fc.constantFrom(1, 2),
      parts: fc.array(fc.string({ maxLength: 200 }), { minLength: 1, maxLength: 4 }),
      controls: fc.array(
        fc.record({ opcode: fc.constantFrom(9, 10), payload: fc.string({ maxLength: 20 }) }),
        {
          maxLength: 3,
        },
      ),
    }),
    { maxLength: 4 },
  )
  .map((messages) =>
    messages.flatMap(({ opcode, parts, controls }) =>
      parts.flatMap((part, index): FrameForm[] => [
        { opcode: index === 0 ? opcode : 0, payload: Buffer.from(part), isFinal: index === parts.length - 1 },
        ...controls
          .filter((_, at) => at % parts.length === index)
          .map((control) => ({ opcode: control.opcode, payload: Buffer.from(control.payload) })),
      ]),
    ),
  );

function bytesOf(from: TunnelSide, frames: readonly FrameForm[]): Buffer {
  const mask = from === 'client' ? clientMask : undefined;
  return Buffer.concat(frames.map((form) => websocketFrame({ ...form, mask })));
}

for (const { name, make } of passes) {
  const sidesOf = (): TunnelSides & { pass: TunnelPass } => {
    const sides = new TunnelSides();
    return Object.assign(sides, { pass: make(sides) });
  };

  describe(`${name}: what passes`, () => {
    it('is what was sent, both ways, however it is split', () => {
      fc.assert(
        fc.property(anyMessages, fc.array(fc.nat({ max: 600 }), { maxLength: 12 }), (frames, cuts) => {
          for (const from of ['client', 'upstream'] as const) {
            const bytes = bytesOf(from, frames);
            const sides = sidesOf();
            const pieces = splitAt(
              bytes,
              cuts.map((cut) => Math.min(cut, bytes.length)),
            );
            for (const goesOn of sides.give(from, ...pieces)) assert.equal(goesOn, true);
            const to = from === 'client' ? 'upstream' : 'client';
            const expected = toldBy(readWebsocketFrames(bytes));
            assert.deepEqual(sides.told(to), expected);
            if (from === 'upstream') assert.deepEqual(sides.bytes(to), bytes);
            assert.equal(sides.bytes(from).length, 0);
            assert.deepEqual(sides.closeMoves, []);
          }
        }),
      );
    });

    it('may be of every length, byte by byte or at once', () => {
      for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 1_048_576])
        for (const from of ['client', 'upstream'] as const) {
          const payload = Buffer.alloc(length, 'The quick brown fox.');
          const bytes = bytesOf(from, [{ opcode: 2, payload }]);
          const to = from === 'client' ? 'upstream' : 'client';
          const byByte = length <= 65_536 ? [Array.from(bytes, (byte) => Buffer.from([byte]))] : [];
          for (const pieces of [[bytes], ...byByte]) {
            const sides = sidesOf();
            sides.give(from, ...pieces);
            const [frame, more] = sides.frames(to);
            assert.equal(more, undefined);
            assert.equal(frame!.opcode, 2);
            assert.equal(frame!.payload.equals(payload), true, String(length));
            assert.equal(frame!.mask !== undefined, from === 'client');
          }
        }
    });

    it('stops for the side that is slow, and for no other', () => {
      const sides = sidesOf();
      sides.slow.add('upstream');
      assert.deepEqual(sides.give('client', fromClient(1, 'one')), [false]);
      assert.deepEqual(sides.give('upstream', fromUpstream(1, 'two')), [true]);
      sides.slow.clear();
      assert.deepEqual(sides.give('client', fromClient(1, 'three')), [true]);
      sides.slow.add('client');
      assert.deepEqual(sides.give('upstream', fromUpstream(1, 'four')), [false]);
      assert.deepEqual(sides.told('upstream'), ['text one', 'text three']);
      assert.deepEqual(sides.told('client'), ['text two', 'text four']);
    });

    it('keeps the codes of close frames, from either side', () => {
      for (const [payload, code, text] of [
        [Buffer.alloc(0), 1005, 'close'],
        [closePayload(1000), 1000, 'close 1000'],
        [closePayload(4001, 'as you like'), 4001, 'close 4001 as you like'],
      ] as const) {
        const first = sidesOf();
        first.give('client', fromClient(8, payload));
        assert.equal(first.pass.isClosed('client'), false);
        first.give('upstream', fromUpstream(8, payload));
        assert.deepEqual(first.told('upstream'), [text]);
        assert.deepEqual(first.told('client'), [text]);
        assert.deepEqual(first.closeMoves, [`${code} - upstream`, `${code} ${code} client+upstream`]);
        const second = sidesOf();
        second.give('upstream', ...splitAt(fromUpstream(8, payload), [1]));
        second.give('client', ...splitAt(fromClient(8, payload), [1]));
        assert.deepEqual(second.told('upstream'), [text]);
        assert.deepEqual(second.told('client'), [text]);
        assert.deepEqual(second.closeMoves, [`- ${code} client`, `${code} ${code} client+upstream`]);
      }
    });

    it('goes on from the one side when the other has closed', () => {
      const sides = sidesOf();
      sides.give('client', fromClient(8, closePayload(1000)));
      sides.give('upstream', fromUpstream(1, 'the last of it'), fromUpstream(8, closePayload(1000)));
      assert.deepEqual(sides.told('client'), ['text the last of it', 'close 1000']);
    });
  });

  describe(`${name}: our close`, () => {
    it('goes to both sides at once where nothing is open', () => {
      const sides = sidesOf();
      sides.pass.close(1012, 'the Route is gone');
      assert.deepEqual(sides.told('client'), ['close 1012 the Route is gone']);
      assert.deepEqual(sides.told('upstream'), ['close 1001']);
      assert.equal(sides.frames('client')[0]!.mask, undefined);
      assert.notEqual(sides.frames('upstream')[0]!.mask, undefined);
      assert.deepEqual(sides.closeMoves, ['- - client+upstream']);
    });

    it('stands once, and nothing passes behind it; the answers of both are seen', () => {
      const sides = sidesOf();
      sides.pass.close(1001, 'draining');
      sides.pass.close(1008, 'expired');
      assert.deepEqual(
        sides.give('client', fromClient(1, 'late'), fromClient(9), fromClient(8, closePayload(1001))),
        [true, true, true],
      );
      assert.deepEqual(sides.give('upstream', fromUpstream(1, 'late'), fromUpstream(8, closePayload(1000))), [
        true,
        true,
      ]);
      assert.deepEqual(sides.told('client'), ['close 1001 draining']);
      assert.deepEqual(sides.told('upstream'), ['close 1001']);
      assert.deepEqual(sides.closeMoves, [
        '- - client+upstream',
        '1001 - client+upstream',
        '1001 1000 client+upstream',
      ]);
    });

    it('goes to the client behind the frame that is open, wherever that is split', () => {
      const open = fromUpstream(2, Buffer.alloc(300, 'x'), { isFinal: false });
      const rest = fromUpstream(0, 'never seen');
      for (let at = 1; at < open.length; at += 1) {
        const sides = sidesOf();
        sides.give('upstream', open.subarray(0, at));
        sides.pass.close(1012, '');
        assert.equal(sides.pass.isClosed('client'), false);
        assert.equal(sides.pass.ping(), false);
        sides.give('upstream', Buffer.concat([open.subarray(at), rest]), fromUpstream(8, closePayload(1001)));
        const [frame, close, more] = sides.frames('client');
        assert.equal(frame!.payload.length, 300);
        assert.equal(close!.payload.readUInt16BE(0), 1012);
        assert.equal(more, undefined);
        assert.deepEqual(sides.closeMoves.slice(1), ['- - client+upstream', '- 1001 client+upstream']);
      }
    });

    it('does not follow a close frame of the peer, whole or still open', () => {
      const close = fromUpstream(8, closePayload(4000, 'mine'));
      for (let at = 1; at <= close.length; at += 1) {
        const sides = sidesOf();
        sides.give('upstream', close.subarray(0, at));
        sides.pass.close(1012, 'ours');
        sides.give('upstream', Buffer.concat([close.subarray(at), fromUpstream(1, 'late')]));
        assert.deepEqual(sides.told('client'), ['close 4000 mine'], `at ${at}`);
        assert.deepEqual(sides.told('upstream'), ['close 1001']);
        assert.equal(sides.pass.upstreamCode, 4000);
      }
    });

    it('does not follow a close frame of the client towards the upstream', () => {
      const sides = sidesOf();
      sides.give('client', fromClient(8, closePayload(4000, 'mine')));
      sides.pass.close(1012, 'ours');
      sides.give('client', fromClient(1, 'late'));
      assert.deepEqual(sides.told('upstream'), ['close 4000 mine']);
      assert.deepEqual(sides.told('client'), ['close 1012 ours']);
    });

    it('is never put into what are no frames', () => {
      const sides = sidesOf();
      const noise = Buffer.from([0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3]);
      sides.give('upstream', noise);
      sides.pass.close(1012, '');
      sides.give('upstream', noise);
      assert.equal(sides.pass.isClosed('client'), false);
      assert.equal(sides.pass.ping(), false);
      assert.deepEqual(sides.bytes('client'), Buffer.concat([noise, noise]));
    });

    it('stops for the slow side while the frame that is open still passes', () => {
      const sides = sidesOf();
      const open = fromUpstream(2, Buffer.alloc(300));
      sides.give('upstream', open.subarray(0, 100));
      sides.pass.close(1012, '');
      sides.slow.add('client');
      assert.deepEqual(sides.give('upstream', open.subarray(100), fromUpstream(1, 'late')), [false, true]);
    });
  });

  describe(`${name}: our pings`, () => {
    it('go between two frames of the upstream, fragments too', () => {
      const sides = sidesOf();
      assert.equal(sides.pass.ping(), true);
      const [first, second] = [fromUpstream(1, 'one', { isFinal: false }), fromUpstream(0, 'two')];
      sides.give('upstream', first);
      assert.equal(sides.pass.ping(), true);
      sides.give('upstream', second.subarray(0, 3));
      assert.equal(sides.pass.ping(), false);
      sides.give('upstream', second.subarray(3));
      assert.deepEqual(
        sides.frames('client').map(({ opcode }) => opcode),
        [9, 1, 9, 0],
      );
      assert.equal(sides.frames('client')[0]!.payload.length, 8);
      assert.equal(sides.frames('client')[0]!.mask, undefined);
    });

    it('stop when anybody closes', () => {
      for (const closeBy of [
        (sides: TunnelSides) => void sides.give('client', fromClient(8)),
        (sides: TunnelSides) => void sides.give('upstream', fromUpstream(8)),
        (sides: TunnelSides) => sides.pass!.close(1001, ''),
      ]) {
        const sides = sidesOf();
        closeBy(sides);
        assert.equal(sides.pass.ping(), false);
      }
    });
  });
}
