import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inbox } from './inbox.ts';

test('an inbox gives what came in order, and what is still to come', async () => {
  const inbox = new Inbox<number>('numbers');
  inbox.push(1);
  inbox.push(2);
  assert.deepEqual([await inbox.next(), await inbox.next()], [1, 2]);
  const third = inbox.next();
  inbox.push(3);
  assert.equal(await third, 3);
});

test('an inbox that has ended gives the rest, and then says why nothing comes', async () => {
  const inbox = new Inbox<string>('letters');
  inbox.push('a');
  inbox.end('the post is closed');
  inbox.end('another reason');
  assert.deepEqual(inbox.waiting, ['a']);
  assert.equal(await inbox.next(), 'a');
  await assert.rejects(inbox.next(), /no more letters: the post is closed/);
});
