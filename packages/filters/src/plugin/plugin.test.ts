import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ManualClock } from '@causeway/runtime/manual-clock';

import type { Answer } from '../filter.ts';
import { FilterChain } from '../filter-chain.ts';
import { FakeOwner, outcome } from '../testing/fake-owner.ts';
import { type CreatePlugin, createPluginFilter, type PluginSettings } from './plugin.ts';

interface Made {
  readonly owner: FakeOwner;
  readonly clock: ManualClock;
  /** Plugin, hook, cause, and what of it is to be logged. */
  readonly failures: string[];
}

function made(hooks: object, settings: Partial<PluginSettings> = {}, init: Partial<FakeOwner> = {}): Made {
  const clock = new ManualClock();
  const failures: string[] = [];
  const all = {
    module: 'p',
    config: {},
    timeoutMs: 100,
    failsOpen: false,
    namespace: 'default',
    ...settings,
  };
  const filter = createPluginFilter('mine', all, () => hooks, {
    clock,
    onFailure: (module, hook, cause, error) =>
      failures.push([module, hook, cause, ...(error === undefined ? [] : [error.message])].join(' ')),
  });
  const owner = Object.assign(new FakeOwner(new FilterChain([filter])), init);
  return { owner, clock, failures };
}

interface Exchange {
  [name: string]: unknown;
  requestHeader(name: string): string | undefined;
  readRequestBody(bytesMax: number): Promise<Uint8Array>;
}

const circle: Record<string, unknown> = {};
circle['circle'] = circle;

describe('a plugin', () => {
  it('is a filter by the same contract, with its configuration and a state for each exchange', async () => {
    const seen: unknown[] = [];
    const create: CreatePlugin = ({ name, config }) => ({
      createState: () => ({ chunks: 0 }),
      onRequestHead(exchange: Exchange) {
        seen.push(name, config, exchange['method'], exchange.requestHeader('a'));
        (exchange['upstreamFields'] as string[]).push('x-p', '1');
        return 'takesBody';
      },
      onRequestChunk: (chunk: Uint8Array, _exchange: unknown, state: { chunks: number }) => {
        state.chunks += 1;
        return `${state.chunks}:${String(chunk)}`;
      },
      onResponseHead(exchange: Exchange) {
        exchange['responseStatus'] = 201;
        exchange['responseFields'] = ['x-q', '2'];
      },
      onEnd: (_exchange: unknown, { status }: { status: number }) => seen.push(status),
    });
    const settings = { module: 'p', config: { a: 1 }, timeoutMs: 100, failsOpen: false, namespace: 'n' };
    const services = { clock: new ManualClock(), onFailure: () => assert.fail() };
    const owner = new FakeOwner(new FilterChain([createPluginFilter('mine', settings, create, services)]));
    owner.headers.set('a', 'b');
    owner.chain.requestHead(owner);
    owner.requestPass!.write(Buffer.from('x'));
    owner.requestPass!.end();
    await turn();
    owner.upstreamAnswers(200);
    owner.chain.end(owner, outcome);
    assert.deepEqual(owner.log, ['request', '> 1:x', '> end', 'response 201']);
    assert.deepEqual(
      [owner.upstreamFields, owner.responseFields],
      [
        ['x-p', '1'],
        ['x-q', '2'],
      ],
    );
    assert.deepEqual(seen, ['mine', { a: 1 }, 'GET', 'b', 200]);
  });

  it('answers and refuses', async () => {
    const answer = { kind: 'answer', status: 451, fields: ['a', 'b'], body: 'no' };
    const { owner } = made({ onRequestHead: () => Promise.resolve(answer) });
    owner.chain.requestHead(owner);
    await turn();
    assert.deepEqual([owner.responseStatus, String((owner.response as Answer).body)], [451, 'no']);
    const refusing = made({
      onRequestHead: () => ({ kind: 'refusal', reason: 'forbidden', detail: 'No.' }),
    }).owner;
    refusing.chain.requestHead(refusing);
    assert.deepEqual([refusing.responseStatus, refusing.refusals], [403, ['mine forbidden']]);
  });

  const wrong: [string, unknown][] = [
    ['a status that is none', { kind: 'answer', status: 99 }],
    ['a reason that is none', { kind: 'refusal', reason: 'whim' }],
    ['fields that are no list', { kind: 'answer', status: 200, fields: { a: 'b' } }],
    ['a field that is no text', { kind: 'answer', status: 200, fields: ['a', Symbol('b')] }],
    ['a field with a line break', { kind: 'refusal', reason: 'gone', fields: ['a', 'b\r\nc: d'] }],
    ['framing', { kind: 'answer', status: 200, fields: ['Content-Length', '1'] }],
    ['members that are no JSON', { kind: 'refusal', reason: 'gone', members: { a: 1n } }],
    ['members without an end', { kind: 'refusal', reason: 'gone', members: circle }],
    ['members that are a list', { kind: 'refusal', reason: 'gone', members: ['a'] }],
    ["members of the gateway's own", { kind: 'refusal', reason: 'gone', members: { status: 200 } }],
    ['another word', 'go on'],
    ['a number', 1],
  ];
  for (const [what, given] of wrong)
    it(`fails where it gives ${what}`, () => {
      const { owner, failures } = made({ onRequestHead: () => given });
      owner.chain.requestHead(owner);
      assert.deepEqual([owner.responseStatus, failures], [500, ['p onRequestHead error']]);
    });

  const fields: [string, (list: unknown[]) => unknown][] = [
    ['no value', (list) => list.push('a')],
    ['a value that is undefined', (list) => list.push('a', undefined)],
    ['a value that is a symbol', (list) => list.push('a', Symbol('b'))],
    ['a value with a line break', (list) => list.push('a', 'b\r\nc: d')],
    ['a value beyond latin-1', (list) => list.push('a', '\u2026')],
    ['a name that is no token', (list) => list.push('a b', 'c')],
    ['framing', (list) => list.push('Transfer-Encoding', 'chunked')],
  ];
  for (const [what, change] of fields)
    it(`fails where it leaves ${what} among the fields, which go on without`, async () => {
      for (const isLate of [false, true]) {
        const hook = (list: 'upstreamFields' | 'responseFields') => (exchange: Exchange) => {
          change(exchange[list] as unknown[]);
          if (list === 'responseFields') exchange['responseStatus'] = 201;
          return isLate ? Promise.resolve() : undefined;
        };
        const hooks = {
          onRequestHead: hook('upstreamFields'),
          onResponseHead: hook('responseFields'),
        };
        const { owner, failures } = made(hooks, { failsOpen: true }, { upstreamFields: ['x', '1'] });
        owner.chain.requestHead(owner);
        await turn();
        owner.responseFields = ['y', '2'];
        owner.upstreamAnswers(200);
        await turn();
        assert.deepEqual(
          [owner.log, owner.upstreamFields],
          [
            ['request', 'response 200'],
            ['x', '1'],
          ],
        );
        assert.ok(!owner.responseFields.includes('a'));
        assert.deepEqual(
          failures.map((failure) => failure.split(':')[0]),
          ['p onRequestHead error plugin p', 'p onResponseHead error plugin p'],
        );
      }
    });

  it('fails where it throws what no text stands for', () => {
    const { owner, failures } = made({
      onRequestHead: () => {
        throw Object.create(null);
      },
    });
    owner.chain.requestHead(owner);
    assert.deepEqual([owner.responseStatus, failures], [500, ['p onRequestHead error']]);
  });

  it('fails where what it gives throws when it is looked at', async () => {
    const boom = () => {
      throw new Error('boom');
    };
    // oxlint-disable-next-line unicorn/no-thenable -- that is the point
    const getter = Object.defineProperty({}, 'then', { get: boom });
    // oxlint-disable-next-line unicorn/no-thenable -- likewise
    const method = Object.defineProperty({}, 'then', { value: boom });
    const proxy = new Proxy({}, { get: boom, has: boom, getPrototypeOf: boom });
    for (const given of [getter, method, proxy]) {
      const { owner, failures } = made({ onRequestHead: () => given }, { failsOpen: true });
      owner.chain.requestHead(owner);
      await turn();
      assert.deepEqual(
        [owner.log, failures],
        [['request'], ['p onRequestHead error plugin p: onRequestHead: boom']],
      );
    }
  });

  it('closes a WebSocket with a code that may be sent', () => {
    for (const [code, sent] of [
      [4000, 4000],
      [1005, 1011],
      [70_000, 1011],
    ]) {
      const { owner } = made({ onMessage: () => ({ code }) });
      owner.chain.requestHead(owner);
      const message = { data: Buffer.from('x'), isText: true };
      assert.equal(owner.chain.message(owner, message)?.code, sent);
    }
  });

  it('that throws denies the request, or lets it pass where it may fail', async () => {
    const hooks = {
      onRequestHead: () => {
        throw new Error('oops');
      },
    };
    const denied = made(hooks);
    denied.owner.chain.requestHead(denied.owner);
    assert.equal(denied.owner.responseStatus, 500);
    assert.match(String(denied.owner.errors[0]?.error), /plugin p: onRequestHead: oops/);
    assert.deepEqual(denied.failures, ['p onRequestHead error']);
    const open = made(hooks, { failsOpen: true });
    open.owner.chain.requestHead(open.owner);
    assert.deepEqual(open.owner.log, ['request']);
    assert.deepEqual(open.failures, ['p onRequestHead error plugin p: onRequestHead: oops']);
    const chunks = made(
      { onRequestHead: () => 'takesBody', onRequestChunk: () => Promise.reject(new Error('oops')) },
      { failsOpen: true },
    );
    chunks.owner.chain.requestHead(chunks.owner);
    chunks.owner.requestPass!.write(Buffer.from('x'));
    await turn();
    assert.deepEqual(chunks.owner.log, ['request', '> x', '> resume']);
  });

  it('that waits too long has failed, and can do nothing any more', async () => {
    const late = Promise.withResolvers<void>();
    let lateError: unknown;
    const { owner, clock, failures } = made({
      async onRequestHead(exchange: Exchange) {
        await late.promise;
        try {
          void exchange['upstreamFields'];
        } catch (error) {
          lateError = error;
        }
      },
    });
    owner.chain.requestHead(owner);
    clock.advance(99);
    await turn();
    assert.deepEqual(owner.log, []);
    clock.advance(1);
    await turn();
    assert.deepEqual([owner.responseStatus, failures], [500, ['p onRequestHead timeout']]);
    late.resolve();
    await turn();
    assert.match(String(lateError), /when no hook of the plugin runs/);
  });

  it('is not late for a body that is slow to come', async () => {
    const body = Promise.withResolvers<Uint8Array>();
    const { owner, clock, failures } = made(
      { onRequestHead: (exchange: Exchange) => exchange.readRequestBody(10).then(() => undefined) },
      {},
      { readRequestBody: (() => body.promise) as never },
    );
    owner.chain.requestHead(owner);
    clock.advance(1000);
    await turn();
    body.resolve(Buffer.from('x'));
    await turn();
    assert.deepEqual([owner.log, failures], [['request'], []]);
  });

  it('that computes too long is counted, and its answer counts', () => {
    const slow = made({ onRequestHead: () => slow.clock.advance(150) });
    slow.owner.chain.requestHead(slow.owner);
    assert.deepEqual(slow.owner.log, ['request']);
    assert.match(slow.failures[0] ?? '', /^p onRequestHead slow computed for 150 ms/);
  });

  it('changes only what the contract names, to what can be sent', () => {
    const tries: [string, (exchange: Exchange) => unknown][] = [
      ['a target with a space', (exchange) => (exchange['rewriteTarget'] as (path: string) => void)('/a b')],
      ['a target with a query', (exchange) => (exchange['rewriteTarget'] as (path: string) => void)('/a?b')],
      ['another method', (exchange) => (exchange['method'] = 'PUT')],
      [
        'a name that is no text',
        (exchange) => (exchange['identify'] as (who: object) => void)({ consumer: 'a\nb' }),
      ],
      [
        'groups that are no list',
        (exchange) => (exchange['identify'] as (who: object) => void)({ groups: 'a' }),
      ],
      [
        'claims that are no JSON',
        (exchange) => (exchange['identify'] as (who: object) => void)({ claims: circle }),
      ],
      ['an end that is no time', (exchange) => (exchange['expireAt'] as (ms: unknown) => void)('soon')],
      ['a body without a bound', (exchange) => exchange.readRequestBody(Infinity)],
    ];
    for (const [what, act] of tries) {
      const { owner } = made({ onRequestHead: (exchange: Exchange) => void act(exchange) });
      owner.chain.requestHead(owner);
      assert.equal(owner.responseStatus, 500, what);
    }
    const { owner } = made({
      onRequestHead(exchange: Exchange) {
        assert.deepEqual(
          [exchange['relay'], exchange['sendRequest'], exchange['consumers']],
          [undefined, undefined, undefined],
        );
        (exchange['rewriteTarget'] as (path: string, query: string) => void)('/b', 'c=1');
        (exchange['identify'] as (who: object) => void)({ consumer: 'ann', groups: ['g'] });
      },
    });
    owner.chain.requestHead(owner);
    assert.deepEqual(
      [owner.upstreamPath, owner.upstreamQuery, owner.identity?.consumer],
      ['/b', 'c=1', 'ann'],
    );
  });

  it('must give hooks', () => {
    assert.throws(() => made({}), /gives no hooks/);
    assert.throws(() => made(null as never), /gives no object with hooks/);
    assert.throws(() => made({ onRequestHead: 1 }), /onRequestHead is no function/);
    assert.throws(() => made({ onRequestHaed: () => {} }), /onRequestHaed is no hook/);
  });
});
