import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { MessageChannel } from 'node:worker_threads';

import { type Handlers, PortCalls } from './port-calls.ts';

function pair(context: TestContext, handlers: Handlers): { calls: PortCalls; other: PortCalls } {
  const { port1, port2 } = new MessageChannel();
  context.after(() => port1.close());
  return { calls: new PortCalls(port1, {}), other: new PortCalls(port2, handlers) };
}

describe('calls over a port', () => {
  it('are answered, each with its own answer', async (context) => {
    const first = Promise.withResolvers<string>();
    const { calls } = pair(context, {
      later: () => first.promise,
      twice: (text: string) => text + text,
    });
    const later = calls.ask('later');
    assert.equal(await calls.ask('twice', 'ab'), 'abab');
    first.resolve('at last');
    assert.equal(await later, 'at last');
  });

  it('fail as the other side says', async (context) => {
    const { calls } = pair(context, {
      fails: () => {
        throw new Error('not today');
      },
    });
    await assert.rejects(calls.ask('fails'), /not today/);
    await assert.rejects(calls.ask('unknown'));
  });

  it('fail when the other side has ended, and are not made any more', async (context) => {
    const told: unknown[] = [];
    const { calls } = pair(context, {
      never: () => new Promise(() => {}),
      note: (what: unknown) => told.push(what),
      known: () => told.length,
    });
    calls.tell('note', 1);
    assert.equal(await calls.ask('known'), 1);
    const asked = calls.ask('never');
    calls.close(new Error('gone'));
    await assert.rejects(asked, /gone/);
    await assert.rejects(calls.ask('never'), /gone/);
    calls.tell('note', 2);
    assert.deepEqual(told, [1]);
  });
});
