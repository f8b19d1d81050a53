import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { patternOf } from '../testing/pattern.ts';
import { copiedBytesMax, ReadMemory } from './read-memory.ts';

/** A socket as the runtime reads from it: into the memory that it was given last. */
class Reader {
  readonly pieces: Buffer[] = [];
  readonly memory: ReadMemory;
  /** Called for each piece while the call lasts. */
  onPiece: (piece: Buffer) => void = () => {};
  #system: Buffer;

  constructor() {
    this.memory = new ReadMemory((piece) => {
      this.pieces.push(piece);
      this.onPiece(piece);
    });
    this.#system = this.memory.onread.buffer();
  }

  read(bytes: Buffer): Buffer {
    bytes.copy(this.#system);
    const goesOn = this.memory.onread.callback(bytes.length, this.#system);
    assert.equal(goesOn, true);
    this.#system = this.memory.onread.buffer();
    return this.pieces.at(-1)!;
  }

  /** A body of one large piece, which ends with it. */
  readBody(bytes: Buffer, isFree: boolean): Buffer {
    this.onPiece = () => this.memory.over(isFree);
    const piece = this.read(bytes);
    this.onPiece = () => {};
    return piece;
  }
}

const large = (seed: number): Buffer => patternOf(copiedBytesMax + 1, seed);
const small = patternOf(copiedBytesMax, 7);

describe('ReadMemory', () => {
  it('hands over what was read, small or large', () => {
    const reader = new Reader();
    for (const bytes of [small, large(1), patternOf(65_536, 2), small]) {
      let seen: Buffer | undefined;
      reader.onPiece = (piece) => {
        seen = Buffer.from(piece);
      };
      reader.read(bytes);
      assert.ok(seen?.equals(bytes));
    }
  });

  it('reads small pieces of all sockets into the same memory', () => {
    const [one, other] = [new Reader(), new Reader()];
    assert.equal(one.read(small).buffer, other.read(small).buffer);
  });

  it('gives a large piece memory of its own, which no other socket gets while the message lasts', () => {
    const [one, other] = [new Reader(), new Reader()];
    const piece = one.read(large(1));
    for (let read = 0; read < 300; read += 1) {
      assert.notEqual(other.readBody(large(2 + read), read % 2 === 0).buffer, piece.buffer);
      other.read(small);
    }
    assert.ok(piece.equals(large(1)));
    assert.equal(one.read(small).buffer, piece.buffer, 'the rest of the body comes into the same memory');
  });

  it('gives the memory of a message that is over to the next one, but not while it is being read', () => {
    const [one, other] = [new Reader(), new Reader()];
    let within: Buffer | undefined;
    one.onPiece = () => {
      one.memory.over(true);
      within = other.read(large(2));
    };
    const piece = one.read(large(1));
    assert.notEqual(within?.buffer, piece.buffer);
    const [next, after] = [new Reader(), new Reader()];
    const buffers = [next.read(large(3)).buffer, after.read(large(4)).buffer];
    assert.ok(buffers.includes(piece.buffer));
    assert.notEqual(buffers[0], buffers[1]);
  });

  it('goes back to the shared memory when the message is over', () => {
    const [one, other] = [new Reader(), new Reader()];
    one.readBody(large(1), true);
    assert.equal(one.read(small).buffer, other.read(small).buffer);
    one.readBody(large(1), false);
    assert.equal(one.read(small).buffer, other.read(small).buffer);
  });

  it('goes back to it also when the message was over only later, with the next small piece', () => {
    const [one, other] = [new Reader(), new Reader()];
    const { buffer } = one.read(large(1));
    one.memory.over(true);
    one.read(small);
    assert.equal(one.read(small).buffer, other.read(small).buffer);
    assert.equal(other.read(large(2)).buffer, buffer);
    other.memory.over(true);
    const piece = other.read(large(3));
    other.read(small);
    assert.equal(other.read(small).buffer, buffer, 'the next body has begun: the memory is its');
    assert.equal(piece.buffer, buffer);
  });

  it('never uses memory again that was in use at the end of its message', () => {
    const piece = new Reader().readBody(large(1), false);
    const readers = Array.from({ length: 300 }, () => new Reader());
    for (const reader of readers) assert.notEqual(reader.read(large(2)).buffer, piece.buffer);
    assert.ok(piece.equals(large(1)));
  });

  it('keeps at most 128 pieces of memory for later', () => {
    const many = 200;
    const bodies = (readers: readonly Reader[]) => readers.map((reader) => reader.read(large(1)).buffer);
    const readers = Array.from({ length: many }, () => new Reader());
    const before = new Set(bodies(readers));
    for (const reader of readers) reader.readBody(large(2), true);
    const after = bodies(Array.from({ length: many }, () => new Reader()));
    assert.equal(before.size, many);
    assert.equal(after.filter((buffer) => before.has(buffer)).length, 128);
  });

  it('uses no memory twice for a socket that reads on when it is paused', () => {
    const reader = new Reader();
    reader.memory.useOnce();
    const pieces = Array.from({ length: 20 }, (_, seed) => reader.read(large(seed)));
    reader.memory.over(true);
    reader.read(small);
    for (const [seed, piece] of pieces.entries()) assert.ok(piece.equals(large(seed)), `piece ${seed}`);
  });
});
