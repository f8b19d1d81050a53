import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';

import { until } from '../testing/http-client.ts';
import { patternOf } from '../testing/pattern.ts';
import { readBytes, socketPair } from '../testing/socket-pair.ts';
import { MessageWriter } from './message-writer.ts';
import { copiedBytesMax } from './read-memory.ts';

/** More than sockets and kernel take while nobody reads. */
const tooMuchBytes = 16 << 20;
const head = 'HTTP/1.1 200 OK\r\n\r\n';

/** A TLS connection within one over TCP, both ends of it. */
async function tlsPair(context: TestContext) {
  const pair = await socketPair(context);
  const authority = await TestAuthority.create();
  const { certificate: cert, key } = await authority.issue({ names: ['localhost'] });
  const ours = new TLSSocket(pair.ours, { isServer: true, cert, key });
  const theirs = connectTls({ socket: pair.theirs, rejectUnauthorized: false });
  for (const socket of [ours, theirs]) socket.on('error', () => {});
  await once(theirs, 'secureConnect');
  return { ours, theirs };
}

/** A writer, with what it has written so far and how often its owner was told. */
async function started(context: TestContext) {
  const { ours, theirs } = await socketPair(context);
  const writes = context.mock.method(ours, 'write');
  const told = { emptied: 0, lengths: [] as number[] };
  const writer = new MessageWriter(ours, () => {
    told.emptied += 1;
    told.lengths.push(ours.writableLength);
  });
  const written = (): string[] => writes.mock.calls.map(({ arguments: [data] }) => String(data));
  return { ours, theirs, writer, told, written };
}

describe('MessageWriter', () => {
  it('sends a head and small parts of a body in one write', async (context) => {
    const { theirs, writer, written } = await started(context);
    writer.begin(head, false);
    for (const part of ['one', 'two', '\xe9\x80\xff'])
      assert.equal(writer.chunk(Buffer.from(part, 'latin1')), true);
    assert.deepEqual(written(), []);
    writer.end();
    const all = `${head}onetwo\xe9\x80\xff`;
    assert.deepEqual(written(), [all]);
    assert.equal((await readBytes(theirs, all.length)).toString('latin1'), all);
  });

  it('frames small chunks in the same write, and leaves out empty ones, which would end the body', async (context) => {
    const { writer, written } = await started(context);
    writer.begin(head, true);
    writer.chunk(Buffer.from('x'.repeat(17)));
    writer.chunk(Buffer.alloc(0));
    writer.chunk(Buffer.from('y'));
    writer.end();
    assert.deepEqual(written(), [`${head}11\r\n${'x'.repeat(17)}\r\n1\r\ny\r\n0\r\n\r\n`]);
  });

  for (const isChunked of [false, true])
    it(`sends a large part without copying it, around small ones, ${isChunked ? 'chunked' : 'counted'}`, async (context) => {
      const { ours, theirs, writer } = await started(context);
      const writes = context.mock.method(ours, 'write');
      const [small, large] = [patternOf(copiedBytesMax), patternOf(copiedBytesMax + 1, 1)];
      writer.begin(head, isChunked);
      for (const part of [small, large, large, small]) writer.chunk(part);
      writer.end();
      const framed = (part: Buffer): Buffer[] =>
        isChunked ? [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')] : [part];
      const wanted = Buffer.concat([
        Buffer.from(head),
        ...[small, large, large, small].flatMap(framed),
        Buffer.from(isChunked ? '0\r\n\r\n' : ''),
      ]);
      assert.ok((await readBytes(theirs, wanted.length)).equals(wanted));
      const passed = writes.mock.calls.filter(({ arguments: [data] }) => data === large);
      assert.equal(passed.length, 2);
    });

  it('holds back no more than the runtime sends without memory of its own', async (context) => {
    const { writer, written } = await started(context);
    writer.begin(head, false);
    for (let part = 0; part < 4; part += 1) writer.chunk(patternOf(copiedBytesMax));
    assert.equal(written().length, 1);
    writer.flush();
    const [first = '', second = ''] = written();
    assert.ok(first.length > 12_288 && first.length <= 16_384, `${first.length} bytes`);
    assert.equal(first.length + second.length, head.length + 4 * copiedBytesMax);
    writer.flush();
    assert.equal(written().length, 2);
  });

  it('takes back what it has begun, until some of it is out', async (context) => {
    const { theirs, writer, written } = await started(context);
    writer.begin('first ', true);
    writer.chunk(Buffer.from('body'));
    assert.equal(writer.takeBack(), true);
    writer.begin('second ', false);
    writer.end();
    assert.deepEqual(written(), ['second ']);
    writer.begin('third ', false);
    writer.flush();
    assert.equal(writer.takeBack(), false);
    writer.begin('fourth ', false);
    writer.chunk(patternOf(copiedBytesMax + 1));
    assert.equal(writer.takeBack(), false);
    await readBytes(theirs, 'second third fourth '.length + copiedBytesMax + 1);
  });

  it('does not take back what is held back of the message before', async (context) => {
    const { writer, written } = await started(context);
    writer.begin('one ', false);
    writer.begin('two ', false);
    assert.equal(writer.takeBack(), false);
    writer.end();
    assert.deepEqual(written(), ['one two ']);
  });

  it('puts a text that is for now behind what is held back', async (context) => {
    const { writer, written } = await started(context);
    writer.begin('held ', false);
    writer.writeNow('now ');
    writer.begin('next', false);
    writer.end();
    assert.deepEqual(written(), ['held now ', 'next']);
  });

  it('says no when the system does not take all, and tells its owner once when it has', async (context) => {
    const { ours, theirs, writer, told } = await started(context);
    const body = patternOf(tooMuchBytes);
    writer.begin(head, false);
    assert.equal(writer.chunk(body), false);
    assert.equal(writer.isEmpty, false);
    assert.equal(writer.chunk(Buffer.from('small')), false, 'also for what is only held back');
    writer.end();
    assert.equal(told.emptied, 0);
    const received = await readBytes(theirs, head.length + body.length + 5);
    await until('the owner is told', () => told.emptied > 0);
    assert.deepEqual([told.lengths, writer.isEmpty, ours.writableLength], [[0], true, 0]);
    assert.ok(received.subarray(head.length, -5).equals(body));
    writer.begin(head, false);
    assert.equal(writer.chunk(patternOf(copiedBytesMax + 1)), true);
    writer.end();
    await readBytes(theirs, head.length + copiedBytesMax + 1);
    assert.equal(told.emptied, 1, 'nothing more was kept waiting');
  });

  it('tells its owner when all is out, not when the first write is', async (context) => {
    const { theirs, writer, told } = await started(context);
    const body = patternOf(tooMuchBytes);
    writer.begin('', false);
    for (let part = 0; part < 3; part += 1) writer.chunk(body);
    await readBytes(theirs, 2 * body.length);
    assert.equal(told.emptied, 0);
    await readBytes(theirs, body.length);
    await until('the owner is told', () => told.emptied > 0);
    assert.deepEqual(told.lengths, [0]);
  });

  it('has a mark that falls with every byte that the peer takes, to 0', async (context) => {
    const { theirs, writer } = await started(context);
    assert.equal(writer.unsentMark, 0);
    writer.begin(head, false);
    assert.equal(writer.unsentMark, head.length, 'what is held back counts');
    writer.chunk(patternOf(tooMuchBytes));
    const marks = [writer.unsentMark];
    assert.ok(marks[0]! <= 2 * (tooMuchBytes + head.length), `${marks[0]}`);
    for (let read = 0; read < 3; read += 1) {
      await readBytes(theirs, 3 << 20);
      theirs.pause();
      await until('the mark falls', () => writer.unsentMark < marks.at(-1)!);
      marks.push(writer.unsentMark);
    }
    await new Promise((resolve) => setImmediate(resolve));
    theirs.resume();
    await until('the mark is 0', () => writer.unsentMark === 0);
  });

  it('tells nobody when the peer is gone with bytes on the way, and writes no more', async (context) => {
    const { ours, theirs, writer, told, written } = await started(context);
    // Where reading tells first that the peer is gone, no write fails.
    Reflect.get(ours, '_handle').readStop();
    writer.begin(head, true);
    writer.chunk(patternOf(tooMuchBytes));
    writer.end();
    const writes = written().length;
    theirs.resetAndDestroy();
    await until('the end', () => ours.closed);
    assert.deepEqual([told.emptied, written().length], [0, writes]);
  });

  it('tells nobody of a socket that was destroyed with bytes on it: they are not out', async (context) => {
    const { ours, writer, told } = await started(context);
    writer.begin(head, false);
    writer.chunk(patternOf(tooMuchBytes));
    writer.end();
    ours.destroy();
    await once(ours, 'close');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(told.emptied, 0);
  });

  it('writes to TLS, which takes nothing at once, no more than to others, and tells once that all is out', async (context) => {
    const { ours, theirs } = await tlsPair(context);
    const writes = context.mock.method(ours, 'write');
    const told: number[] = [];
    const writer = new MessageWriter(ours, () => told.push(ours.writableLength));
    writer.begin(head, false);
    writer.end();
    assert.equal(writer.isEmpty, false);
    await until('it is out', () => told.length > 0);
    assert.deepEqual([writes.mock.callCount(), told, writer.isEmpty], [1, [0], true]);
    const body = patternOf(tooMuchBytes);
    writer.begin(head, true);
    assert.equal(writer.chunk(body), false);
    writer.chunk(body);
    writer.end();
    await readBytes(theirs, head.length + body.length);
    assert.equal(told.length, 1, 'more is to come');
    theirs.resume();
    await until('all is out', () => told.length > 1);
    assert.deepEqual(told, [0, 0]);
    writer.begin(head, true);
    writer.chunk(body);
    ours.destroy();
    await once(ours, 'close');
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(told.length, 2, 'what was not taken is gone');
  });
});
