import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { BodyPass, type BodyStage, queuedBytesMax } from './body-pass.ts';
import { RefusedBody } from './filter.ts';

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A pass through stages, and what comes out of it. */
function passOf(...stages: Partial<BodyStage>[]): { pass: BodyPass; log: string[] } {
  const log: string[] = [];
  const pass = new BodyPass({
    forward: (chunk) => void log.push(String(chunk)),
    forwardEnd: () => void log.push('end'),
    resume: () => void log.push('resume'),
    fail: (refusal) => void log.push(refusal === undefined ? 'fail' : `refuse ${refusal.reason}`),
    crash: (error) => void log.push(`crash ${String(error)}`),
  });
  for (const stage of stages)
    pass.addStage({
      chunk: (chunk) => chunk,
      end: () => undefined,
      failed: (error) => void log.push(`failed ${String(error)}`),
      refused: ({ reason }) => void log.push(`refused ${reason}`),
      ...stage,
    });
  return { pass, log };
}

describe('BodyPass', () => {
  it('tells a refusal from a failure, at once or later, and forwards nothing more', async () => {
    const refusal = { kind: 'refusal', reason: 'bad_request' } as const;
    const refuse = (): never => {
      throw new RefusedBody(refusal);
    };
    for (const chunk of [refuse, async () => refuse()]) {
      const { pass, log } = passOf({ chunk });
      pass.write(bytes('1'));
      pass.write(bytes('2'));
      pass.end();
      await settled();
      assert.deepEqual(log, ['refused bad_request', 'refuse bad_request']);
    }
  });

  it('forwards what the stages make of a chunk, nothing included', () => {
    const { pass, log } = passOf({ chunk: (chunk) => (String(chunk) === '2' ? undefined : chunk) });
    for (const text of ['1', '2', '3']) assert.equal(pass.write(bytes(text)), true);
    pass.end();
    assert.deepEqual(log, ['1', '3', 'end']);
  });

  it('keeps the order of chunks while a stage waits, and asks for more when it is done', async () => {
    const first = Promise.withResolvers<Uint8Array>();
    const { pass, log } = passOf({ chunk: (chunk) => (String(chunk) === '1' ? first.promise : chunk) });
    assert.equal(pass.write(bytes('1')), false);
    assert.equal(pass.write(bytes('2')), false);
    pass.end();
    await settled();
    assert.deepEqual(log, []);
    first.resolve(bytes('one'));
    await settled();
    assert.deepEqual(log, ['one', '2', 'end', 'resume']);
  });

  it('sends what a stage adds at the end through those behind it, before their own end', async () => {
    const slow = async (chunk: Uint8Array): Promise<Uint8Array> => bytes(`<${String(chunk)}>`);
    for (const chunk of [slow, (each: Uint8Array) => bytes(`<${String(each)}>`)]) {
      const { pass, log } = passOf({ end: async () => bytes('a') }, { chunk, end: () => bytes('b') });
      pass.end();
      await settled();
      assert.deepEqual(log.slice(0, 3), ['<a>', 'b', 'end']);
    }
    const { pass, log } = passOf({ end: () => bytes('a') }, { chunk: slow, end: () => bytes('b') });
    pass.end();
    await settled();
    assert.deepEqual(log.slice(0, 3), ['<a>', 'b', 'end']);
  });

  it('stops for good when a stage fails, at once or later', async () => {
    const fail = (): never => {
      throw new Error('broken');
    };
    for (const stage of [{ chunk: fail }, { chunk: async () => fail() }]) {
      const { pass, log } = passOf(stage);
      pass.write(bytes('1'));
      await settled();
      pass.write(bytes('2'));
      pass.end();
      await settled();
      assert.deepEqual(log, ['failed Error: broken', 'fail']);
    }
  });

  it('is silent once it is closed, whatever a stage still brings', async () => {
    for (const settle of ['resolve', 'reject'] as const) {
      const late = Promise.withResolvers<Uint8Array>();
      const { pass, log } = passOf({ chunk: () => late.promise });
      pass.write(bytes('1'));
      pass.write(bytes('2'));
      pass.close();
      if (settle === 'resolve') late.resolve(bytes('x'));
      else late.reject(new Error('late'));
      await settled();
      assert.deepEqual(log, []);
    }
  });

  it('holds so many bytes while a stage waits, and not one more', () => {
    const stuck = (): Promise<Uint8Array> => new Promise(() => {});
    const { pass, log } = passOf({ chunk: stuck });
    pass.write(bytes('1'));
    pass.write(new Uint8Array(queuedBytesMax));
    assert.deepEqual(log, []);
    pass.write(bytes('1'));
    assert.match(log[0] ?? '', /^crash Error: more than 262144 bytes/);
  });

  it('brings out the same, whoever waits (property)', async () => {
    const stage = fc.record({ waits: fc.boolean(), drops: fc.boolean(), adds: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(stage, { maxLength: 4 }), fc.nat({ max: 5 }), async (stages, count) => {
        const through = async (mayWait: boolean): Promise<string[]> => {
          const { pass, log } = passOf(
            ...stages.map(({ waits, drops, adds }, index) => {
              const sooner = <T>(value: T): T | Promise<T> =>
                mayWait && waits ? Promise.resolve(value) : value;
              return {
                chunk: (chunk: Uint8Array) =>
                  sooner(
                    drops && String(chunk).startsWith('1') ? undefined : bytes(`${String(chunk)}${index}`),
                  ),
                end: () => sooner(adds ? bytes(`+${index}`) : undefined),
              };
            }),
          );
          for (let at = 0; at < count; at += 1) pass.write(bytes(String(at)));
          pass.end();
          await settled();
          return log.filter((line) => line !== 'resume');
        };
        const sync = await through(false);
        assert.equal(sync.at(-1), 'end');
        assert.deepEqual(await through(true), sync);
      }),
    );
  });
});
