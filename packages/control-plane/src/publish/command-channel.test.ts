import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { type Command, CommandResultSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { CommandChannels, CommandFailed } from './command-channel.ts';

const deadlineMs = 1000;

function open() {
  const clock = new ManualClock();
  const channels = new CommandChannels(clock);
  const sent: Command[] = [];
  const channel = channels.open('n1', (command) => sent.push(command));
  const answer = (id: number, text: string, more: { last?: boolean; error?: string } = {}): void =>
    channel.receive(
      create(CommandResultSchema, {
        id,
        chunk: Buffer.from(text),
        last: more.last ?? true,
        error: more.error ?? '',
      }),
    );
  const run = (verb = 'config-dump'): Promise<string> =>
    channels.run('n1', verb, { a: 1 }, deadlineMs).then((bytes) => Buffer.from(bytes).toString());
  return { clock, channels, channel, sent, answer, run };
}

const failsWith = (words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CommandFailed);
  assert.match(error.message, words);
  return true;
};

describe('CommandChannels', () => {
  it('sends verb, arguments and deadline, and joins the chunks of the answer', async () => {
    const { sent, answer, run, clock } = open();
    const result = run();
    const { id, verb, args, deadlineMs: within } = sent[0]!;
    assert.deepEqual([verb, Buffer.from(args).toString(), within], ['config-dump', '{"a":1}', deadlineMs]);
    answer(id, 'one ', { last: false });
    answer(id, 'two');
    assert.equal(await result, 'one two');
    assert.equal(clock.pendingTimers, 0);
  });

  it('tells the answers of several commands apart, in whatever order they come', async () => {
    const { sent, answer, run } = open();
    const results = [run(), run()];
    answer(sent[1]!.id, 'second');
    answer(sent[0]!.id, 'first');
    assert.deepEqual(await Promise.all(results), ['first', 'second']);
  });

  it('fails with what the node says, and when it says nothing in time', async () => {
    const { sent, answer, run, clock } = open();
    const refused = run();
    answer(sent[0]!.id, '', { error: 'no such verb' });
    await assert.rejects(refused, failsWith(/no such verb/));
    const late = run();
    clock.advance(deadlineMs - 1);
    clock.advance(1);
    await assert.rejects(late, failsWith(/did not answer within 1000 ms/));
    answer(sent[1]!.id, 'too late');
    answer(4711, 'to nobody');
  });

  it('fails at once when the node is away, and when it goes away', async () => {
    const { channels, channel, run, clock } = open();
    await assert.rejects(channels.run('n2', 'x', {}, 1), failsWith(/not connected/));
    const pending = [run(), run()];
    channels.close('n1', channel);
    for (const each of pending) await assert.rejects(each, failsWith(/went away/));
    await assert.rejects(run(), failsWith(/not connected/));
    assert.equal(clock.pendingTimers, 0);
  });

  it('keeps the newer channel of a node that came back before the old one was closed', async () => {
    const { channels, channel, run } = open();
    const old = run();
    const sent: Command[] = [];
    const newer = channels.open('n1', (command) => sent.push(command));
    await assert.rejects(old, failsWith(/went away/));
    channels.close('n1', channel);
    const result = run();
    newer.receive(create(CommandResultSchema, { id: sent[0]!.id, chunk: Buffer.from('x'), last: true }));
    assert.equal(await result, 'x');
  });

  it('lets sixteen commands wait for a node, not one more (invariant 9)', async () => {
    const { channels, channel, run } = open();
    const waiting = Array.from({ length: 16 }, () => run());
    await assert.rejects(run(), failsWith(/too many/));
    channels.close('n1', channel);
    await Promise.allSettled(waiting);
  });

  it('gives up on an answer that is too large', async () => {
    const { sent, run, channel } = open();
    const result = run();
    const chunk = new Uint8Array(32 * 1024 * 1024);
    for (let count = 0; count < 2; count++)
      channel.receive(create(CommandResultSchema, { id: sent[0]!.id, chunk, last: false }));
    channel.receive(create(CommandResultSchema, { id: sent[0]!.id, chunk: new Uint8Array(1), last: true }));
    await assert.rejects(result, failsWith(/larger than/));
  });
});
