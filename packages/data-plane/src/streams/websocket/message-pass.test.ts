import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { TunnelSides } from '../../testing/tunnel-sides.ts';
import {
  closePayload,
  fromClient,
  fromUpstream,
  readClose,
  splitAt,
  websocketFrame,
} from '../../testing/websocket-frames.ts';
import { MessagePass } from './message-pass.ts';
import { heldMessageBytesMax, messageBytesMaxOf, type MessageRules, noRules } from './message-rules.ts';

function sidesOf(rules: Partial<MessageRules> = {}, clock = new ManualClock()): TunnelSides {
  const sides = new TunnelSides();
  sides.pass = new MessagePass(sides, { ...noRules, ...rules }, clock);
  return sides;
}

/** The client was told, the upstream closed, and nothing passes any more. */
function assertRefused(sides: TunnelSides, code: number, reason: RegExp, passedBefore: string[] = []): void {
  assert.equal(sides.violations.length, 1);
  assert.equal(sides.violations[0]!.code, code);
  assert.match(sides.violations[0]!.reason, reason);
  const told = sides.frames('client');
  assert.deepEqual(told.map(readClose), sides.violations);
  assert.deepEqual(sides.told('upstream'), [...passedBefore, 'close 1001']);
  // Byte by byte, what was refused by its head may have proved a close frame since.
  assert.equal(sides.closeMoves.at(-1), `${sides.pass!.clientCode ?? '-'} - client+upstream`);
  const before = sides.bytes('upstream').length;
  assert.deepEqual(sides.give('client', fromClient(1, 'late'), fromClient(8, closePayload(1000))), [
    true,
    true,
  ]);
  sides.give('upstream', fromUpstream(1, 'late'));
  assert.equal(sides.bytes('upstream').length, before);
  assert.equal(sides.frames('client').length, 1);
  assert.equal(sides.violations.length, 1);
  sides.pass!.close(1001, 'draining');
  assert.equal(sides.frames('client').length, 1);
}

const bad = Buffer.from([0xce, 0xba, 0xe1, 0xbd, 0xb9, 0xcf, 0x83, 0xce, 0xbc, 0xce, 0xb5, 0xed, 0xa0, 0x80]);
/** What is wrong in the first frames of a client, by the code that it gets. */
const abuses: readonly [what: string, bytes: Buffer, code: number, reason: RegExp][] = [
  ['a frame without a mask', fromUpstream(1, 'hello'), 1002, /MASK must be set/],
  ['RSV1 without an extension', fromClient(1, 'x', { reserved: 4 }), 1002, /RSV1 must be clear/],
  ['RSV1 on a ping', fromClient(9, 'x', { reserved: 4 }), 1002, /RSV1 must be clear/],
  ['RSV2', fromClient(1, 'x', { reserved: 2 }), 1002, /RSV2 and RSV3 must be clear/],
  ['RSV3', fromClient(1, 'x', { reserved: 1 }), 1002, /RSV2 and RSV3 must be clear/],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, Buffer, number, RegExp] => [
    `opcode ${opcode}`,
    fromClient(opcode, 'x'),
    1002,
    new RegExp(`invalid opcode ${opcode}`),
  ]),
  ['a continuation of nothing', fromClient(0, 'x'), 1002, /invalid opcode 0/],
  [
    'a message within a message',
    Buffer.concat([fromClient(1, 'x', { isFinal: false }), fromClient(2, 'y')]),
    1002,
    /invalid opcode 2/,
  ],
  ['a ping in fragments', fromClient(9, 'x', { isFinal: false }), 1002, /FIN must be set/],
  [
    'a close frame in fragments',
    fromClient(8, closePayload(1000), { isFinal: false }),
    1002,
    /FIN must be set/,
  ],
  ['a ping of 126 bytes', fromClient(9, Buffer.alloc(126)), 1002, /invalid payload length 126/],
  ['a pong of 64 KiB', fromClient(10, Buffer.alloc(65_536)), 1002, /invalid payload length 127/],
  ['a close frame of one byte', fromClient(8, Buffer.from([3])), 1002, /invalid payload length 1/],
  ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535].map(
    (code): [string, Buffer, number, RegExp] => [
      `close code ${code}`,
      fromClient(8, closePayload(code)),
      1002,
      new RegExp(`invalid status code ${code}`),
    ],
  ),
  [
    'a reason that is no UTF-8',
    fromClient(8, Buffer.concat([closePayload(1000), bad])),
    1007,
    /invalid UTF-8/,
  ],
  ['a text that is no UTF-8', fromClient(1, bad), 1007, /invalid UTF-8/],
  [
    'a text in fragments that is no UTF-8',
    Buffer.concat([fromClient(1, bad.subarray(0, 5), { isFinal: false }), fromClient(0, bad.subarray(5))]),
    1007,
    /invalid UTF-8/,
  ],
  ['a length beyond 2^53', Buffer.from('82ff0020000000000000', 'hex'), 1009, /more than 16777216 bytes/],
  [
    'a length with its highest bit',
    Buffer.from('82ff8000000000000000', 'hex'),
    1009,
    /more than 16777216 bytes/,
  ],
];

describe('a client that abuses the protocol', () => {
  for (const [what, bytes, code, reason] of abuses)
    it(`is told ${code}: ${what}`, () => {
      const before = [fromClient(1, 'before'), fromClient(9, 'ping')];
      for (const pieces of [[bytes], Array.from(bytes, (byte) => Buffer.from([byte]))]) {
        const sides = sidesOf();
        sides.give('client', ...before, ...pieces);
        assertRefused(sides, code, reason, ['text before', 'ping ping']);
      }
      const atOnce = sidesOf();
      atOnce.give('client', Buffer.concat([...before, bytes, fromClient(1, 'behind')]));
      assertRefused(atOnce, code, reason, ['text before', 'ping ping']);
    });

  it('may write a short length in a long form, as the protocol forbids and everybody reads', () => {
    const sides = sidesOf();
    sides.give(
      'client',
      fromClient(1, 'long', { lengthBits: 64 }),
      fromClient(1, 'longer', { lengthBits: 16 }),
    );
    assert.deepEqual(sides.told('upstream'), ['text long', 'text longer']);
  });

  it('may mask with zeros', () => {
    const sides = sidesOf();
    const payload = Buffer.from('as it is');
    sides.give('client', websocketFrame({ opcode: 1, payload, mask: Buffer.alloc(4) }));
    assert.deepEqual(sides.told('upstream'), ['text as it is']);
  });

  it('is told behind the frame of the upstream that is open', () => {
    const sides = sidesOf();
    const open = fromUpstream(1, 'still open');
    sides.give('upstream', open.subarray(0, 4));
    sides.give('client', fromUpstream(1, 'no mask'));
    assert.equal(sides.violations.length, 1);
    assert.deepEqual(sides.closeMoves, ['- - upstream']);
    sides.give('upstream', open.subarray(4));
    assert.deepEqual(sides.told('client'), ['text still open', `close 1002 ${sides.violations[0]!.reason}`]);
    assert.deepEqual(sides.closeMoves, ['- - upstream', '- - client+upstream']);
  });

  it('is still seen to close, so that nobody waits for it in vain', () => {
    const sides = sidesOf({ refusesText: true });
    sides.give('client', fromClient(1, 'no'), fromClient(1, 'no'), fromClient(8, closePayload(1003)));
    assert.equal(sides.pass!.clientCode, 1003);
    assert.deepEqual(sides.closeMoves, ['- - client+upstream', '1003 - client+upstream']);
  });

  it('gets no second close frame when its upstream has closed already', () => {
    const sides = sidesOf();
    sides.give('upstream', fromUpstream(8, closePayload(1011)));
    sides.give('client', fromUpstream(1, 'no mask'));
    assert.deepEqual(sides.told('client'), ['close 1011']);
    assert.deepEqual(sides.told('upstream'), ['close 1001']);
    assert.equal(sides.violations[0]!.code, 1002);
  });
});

describe('the rules of a Route', () => {
  it('hold the size of messages: at the limit, and one byte over, in one frame or many', () => {
    for (const limit of [1, 125, 126, 65_536]) {
      const at = Buffer.alloc(limit, 'x');
      const over = Buffer.alloc(limit + 1, 'x');
      const inTwo = (message: Buffer): Buffer =>
        Buffer.concat([
          fromClient(2, message.subarray(0, 1), { isFinal: false }),
          fromClient(9, 'between'),
          fromClient(0, message.subarray(1)),
        ]);
      const sides = sidesOf({ messageBytesMax: limit });
      sides.give('client', fromClient(2, at), inTwo(at));
      assert.deepEqual(
        sides.frames('upstream').map(({ payload }) => payload.length),
        [limit, 7, limit],
      );
      for (const message of [fromClient(2, over), inTwo(over)]) {
        const refused = sidesOf({ messageBytesMax: limit });
        refused.give('client', message);
        const ping = message.length > over.length + 20 || message[0] === 2 ? ['ping between'] : [];
        assertRefused(refused, 1009, new RegExp(`more than ${limit} bytes`), ping);
      }
    }
  });

  it('refuse a message by its head, before any of it is kept', () => {
    const sides = sidesOf({ messageBytesMax: 1000 });
    sides.give('client', fromClient(2, Buffer.alloc(70_000)).subarray(0, 10));
    assertRefused(sides, 1009, /more than 1000 bytes/);
  });

  it('keep no message of more than 16 MiB where the Route names no limit', () => {
    assert.equal(heldMessageBytesMax, 16_777_216);
    const head = (length: number): Buffer => {
      const bytes = Buffer.from('82ff0000000000000000', 'hex');
      bytes.writeUInt32BE(length, 6);
      return bytes;
    };
    const sides = sidesOf();
    sides.give('client', head(heldMessageBytesMax));
    assert.deepEqual(sides.violations, []);
    const over = sidesOf();
    over.give('client', head(heldMessageBytesMax + 1));
    assertRefused(over, 1009, /more than 16777216 bytes/);
    assert.equal(messageBytesMaxOf({ ...noRules, messageBytesMax: 2 ** 31 }), 2 ** 31 - 1);
    assert.equal(messageBytesMaxOf({ ...noRules, messageBytesMax: 2 ** 31 - 1 }), 2 ** 31 - 1);
  });

  it('hold the number of messages within a second, and count neither pings nor fragments', () => {
    const clock = new ManualClock();
    const sides = sidesOf({ messagesPerSecond: 2 }, clock);
    const inTwo = [fromClient(1, 'o', { isFinal: false }), fromClient(0, 'ne')];
    sides.give('client', ...inTwo, fromClient(9), fromClient(10), fromClient(2, 'two'));
    clock.advance(499);
    sides.give('client', fromClient(9));
    clock.advance(1);
    sides.give('client', fromClient(1, 'three'));
    assert.deepEqual(sides.violations, []);
    clock.advance(499);
    sides.give('client', fromClient(1, 'too soon'));
    const passed = ['text one', 'ping ', 'pong ', 'binary two', 'ping ', 'text three'];
    assertRefused(sides, 1008, /more than 2 messages a second/, passed);
  });

  it('refuse what is too many within one read, and pass what came before', () => {
    const sides = sidesOf({ messagesPerSecond: 3 });
    sides.give('client', Buffer.concat(['1', '2', '3', '4', '5'].map((text) => fromClient(1, text))));
    assertRefused(sides, 1008, /more than 3/, ['text 1', 'text 2', 'text 3']);
  });

  it('allow text alone, or binary alone', () => {
    for (const [rules, allowed, refused, reason] of [
      [{ refusesBinary: true }, 1, 2, /no binary messages/],
      [{ refusesText: true }, 2, 1, /no text messages/],
    ] as const) {
      const sides = sidesOf(rules);
      sides.give('client', fromClient(allowed, 'yes'), fromClient(9, 'too'));
      assert.deepEqual(sides.violations, []);
      sides.give('client', fromClient(refused, 'no'));
      assertRefused(sides, 1003, reason, [`${allowed === 1 ? 'text' : 'binary'} yes`, 'ping too']);
    }
  });

  it('have each message inspected, and refused by its content', () => {
    const seen: string[] = [];
    const inspect = (data: Buffer, isText: boolean): { code: number; reason: string } | undefined => {
      seen.push(`${isText} ${data.toString()}`);
      return data.includes('bad') ? { code: 1008, reason: 'said a word' } : undefined;
    };
    const sides = sidesOf({ inspect });
    sides.give('client', fromClient(2, 'good'), fromClient(1, ''), fromClient(1, 'a bad one'));
    assertRefused(sides, 1008, /said a word/, ['binary good', 'text ']);
    assert.deepEqual(seen, ['false good', 'true ', 'true a bad one']);
  });

  it('bound the pieces in which a message comes', () => {
    const sides = sidesOf();
    const fragment = fromClient(0, 'x', { isFinal: false });
    sides.give(
      'client',
      fromClient(2, 'x', { isFinal: false }),
      ...Array.from({ length: 16_383 }, () => fragment),
    );
    assert.deepEqual(sides.violations, []);
    sides.give('client', fragment);
    assertRefused(sides, 1008, /too many pieces/);
  });

  it('bound the reads that are kept of a frame, more of them where messages may be larger', () => {
    for (const [messageBytesMax, readsMax] of [
      [10_000, 1063],
      [262_144, 2048],
    ] as const) {
      const sides = sidesOf({ messageBytesMax });
      const frame = fromClient(2, Buffer.alloc(10_000));
      const pieces = Array.from(frame.subarray(8), (byte) => Buffer.from([byte]));
      sides.give('client', frame.subarray(0, 8), ...pieces.slice(0, readsMax));
      assert.deepEqual(sides.violations, []);
      sides.give('client', pieces[readsMax]!);
      assertRefused(sides, 1008, /too many pieces/);
    }
  });
});

describe('a pass for messages', () => {
  it('keeps the answers to pings of its own, and passes on those that the upstream asked for', () => {
    const sides = sidesOf();
    sides.pass!.ping();
    sides.give('upstream', fromUpstream(9, 'are you there'));
    const [ours, theirs] = sides.frames('client');
    sides.give('client', fromClient(10, ours!.payload), fromClient(10, theirs!.payload), fromClient(10));
    assert.deepEqual(sides.told('upstream'), ['pong are you there', 'pong ']);
  });

  it('passes nothing behind the close frame of the client', () => {
    const sides = sidesOf();
    const frames = [
      fromClient(1, 'last'),
      fromClient(8, closePayload(4001, 'bye')),
      fromClient(1, 'late'),
      fromClient(9),
    ];
    for (const pieces of [[Buffer.concat(frames)], frames, splitAt(Buffer.concat(frames), [3, 9, 20, 30])]) {
      const again = sidesOf();
      again.give('client', ...pieces);
      assert.deepEqual(again.told('upstream'), ['text last', 'close 4001 bye']);
      assert.deepEqual(again.closeMoves, ['4001 - upstream']);
      assert.deepEqual(again.violations, []);
    }
    assert.equal(sides.bytes('upstream').length, 0);
  });

  it('drops the message that was open when the node closed', () => {
    const sides = sidesOf();
    sides.give('client', fromClient(1, 'half', { isFinal: false }));
    sides.pass!.close(1001, '');
    sides.give('client', fromClient(0, 'the rest'), fromClient(8, closePayload(1001)));
    assert.deepEqual(sides.told('upstream'), ['close 1001']);
    assert.equal(sides.pass!.clientCode, 1001);
  });

  it('goes on when the slow side has taken what it had, and loses nothing of a read', () => {
    const sides = sidesOf();
    sides.slow.add('upstream');
    const read = Buffer.concat(['1', '2', '3'].map((text) => fromClient(1, text)));
    assert.deepEqual(sides.give('client', read), [false]);
    sides.slow.clear();
    assert.deepEqual(sides.give('client', read), [true]);
    assert.deepEqual(sides.told('upstream'), ['text 1', 'text 2', 'text 3', 'text 1', 'text 2', 'text 3']);
  });

  it('passes nothing once it has ended', () => {
    const sides = sidesOf();
    sides.give('client', fromClient(1, 'half', { isFinal: false }));
    sides.pass!.end();
    sides.give('client', fromClient(0, 'the rest'));
    assert.equal(sides.bytes('upstream').length, 0);
  });
});
