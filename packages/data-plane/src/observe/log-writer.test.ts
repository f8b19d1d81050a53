import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ManualClock } from '@causeway/runtime/manual-clock';

import type { LogOutput, OnWritten } from './log-output.ts';
import { batchAgeMs, batchBytes, closeWaitMs, LogWriter, waitingBytesMax } from './log-writer.ts';

/** Takes a batch when it is told to, wholly or in part. */
class SlowOutput implements LogOutput {
  taken = '';
  closed = false;
  readonly waiting: { text: string; done: OnWritten }[] = [];

  write(bytes: Uint8Array, done: OnWritten): void {
    this.waiting.push({ text: Buffer.from(bytes).toString(), done });
  }

  take(): void {
    const { text, done } = this.waiting.shift()!;
    this.taken += text;
    done(undefined, text.length);
  }

  fail(error: Error, written = 0): void {
    const { text, done } = this.waiting.shift()!;
    this.taken += text.slice(0, written);
    done(error, written);
  }

  async reopen(): Promise<void> {}

  close(): void {
    this.closed = true;
  }
}

function setting() {
  const clock = new ManualClock();
  const output = new SlowOutput();
  const drops: [number, string | undefined][] = [];
  const writer = new LogWriter(output, clock, (lines, error) => drops.push([lines, error?.message]));
  return { clock, output, drops, writer };
}

describe('LogWriter', () => {
  it('writes a batch when it is old or large enough, one at a time, in order', () => {
    const { clock, output, writer } = setting();
    writer.add('1\n');
    clock.advance(batchAgeMs - 1);
    assert.equal(output.waiting.length, 0);
    clock.advance(1);
    writer.add('2\n');
    writer.add(`${'x'.repeat(batchBytes)}\n`);
    clock.advance(batchAgeMs);
    assert.equal(output.waiting.length, 1, 'the first is on its way');
    output.take();
    assert.equal(output.waiting.length, 1);
    output.take();
    assert.equal(output.taken.replace(/x+/, 'x'), '1\n2\nx\n');
    assert.equal(clock.pendingTimers, 0);
  });

  it('keeps so many bytes for an output that takes nothing, and counts the lines beyond', () => {
    const { output, drops, writer } = setting();
    const line = `${'x'.repeat(1023)}\n`;
    const fitting = waitingBytesMax / line.length + 1;
    for (let count = 0; count < fitting; count++) writer.add(line);
    assert.deepEqual(drops, []);
    for (let count = 0; count < 3; count++) writer.add(line);
    assert.equal(drops.length, 3);
    output.take();
    writer.add(line);
    assert.equal(drops.length, 3, 'there is room again');
  });

  it('counts the lines of a batch that cannot be written', async () => {
    const { clock, output, drops, writer } = setting();
    for (const line of ['one\n', 'two\n', 'three\n']) writer.add(line);
    clock.advance(batchAgeMs);
    output.fail(new Error('full'), 'one\ntw'.length);
    assert.deepEqual(drops, [[2, 'full']]);
    writer.add('four\n');
    const flushed = writer.flush();
    output.take();
    await flushed;
    assert.equal(output.taken, 'one\ntwfour\n');
    writer.add('five\n');
    clock.advance(batchAgeMs);
    output.fail(new Error('full'));
    writer.add('six\n');
    clock.advance(batchAgeMs);
    output.take();
    assert.equal(output.taken, 'one\ntwfour\nsix\n');
    assert.deepEqual(drops, [
      [2, 'full'],
      [1, 'full'],
    ]);
  });

  it('writes what waits before it lets its output go', async () => {
    const { output, drops, writer } = setting();
    for (const line of ['1\n', '2\n']) writer.add(line);
    const closed = writer.close();
    assert.equal(output.closed, false);
    output.take();
    await closed;
    assert.deepEqual([output.taken, output.closed, drops], ['1\n2\n', true, []]);
  });

  it('does not wait for ever for an output that takes nothing', async () => {
    const { clock, output, drops, writer } = setting();
    writer.add('1\n');
    clock.advance(batchAgeMs);
    for (const line of ['2\n', '3\n']) writer.add(line);
    const closed = writer.close();
    clock.advance(closeWaitMs);
    await closed;
    assert.deepEqual(drops, [[3, undefined]]);
    assert.equal(output.closed, false, 'a write is on its way');
    output.take();
    assert.equal(output.waiting.length, 0);
  });
});
