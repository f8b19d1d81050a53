import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitLines, Tail } from './lines.ts';

test('lines are whole whatever the chunks are, and the last one needs no end', () => {
  const lines: string[] = [];
  const sink = splitLines((line) => lines.push(line));
  for (const chunk of ['a', 'b\nc', '\n\nd', 'e']) sink.push(chunk);
  sink.end();
  assert.deepEqual(lines, ['ab', 'c', '', 'de']);
});

test('a tail keeps the newest entries up to its bound', () => {
  const tail = new Tail<number>(3);
  assert.deepEqual(tail.entries, []);
  for (let n = 1; n <= 3; n += 1) tail.push(n);
  assert.deepEqual(tail.entries, [1, 2, 3]);
  for (let n = 4; n <= 10; n += 1) tail.push(n);
  assert.deepEqual(tail.entries, [8, 9, 10]);
});
