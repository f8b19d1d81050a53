import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { type Answer, type Filter, type Refusal, type Sooner, takesBody, type Verdict } from './filter.ts';
import { FilterChain } from './filter-chain.ts';
import { FakeOwner, outcome } from './testing/fake-owner.ts';

const teapot: Answer = { kind: 'answer', status: 418, fields: ['x-a', '1'], body: Buffer.from('tea') };
const unfit: Refusal = { kind: 'refusal', reason: 'bad_request' };

/** A filter that writes down in `log` when its hooks are called. */
function noting(log: string[], name: string, hooks: Partial<Filter> = {}): Filter {
  return {
    kind: 'test',
    name,
    onRequestHead: (exchange, state) => {
      log.push(`${name} request`);
      return hooks.onRequestHead?.(exchange, state);
    },
    onResponseHead: (exchange, state) => {
      log.push(`${name} response ${exchange.responseStatus}`);
      return hooks.onResponseHead?.(exchange, state);
    },
    onEnd: (exchange, ended, state) => {
      log.push(`${name} end ${ended.status}`);
      hooks.onEnd?.(exchange, ended, state);
    },
  };
}

/** A chain of which each hook of the owner and of the filters writes into one log. */
function chainOf(...hooks: Partial<Filter>[]): { owner: FakeOwner; log: string[]; chain: FilterChain } {
  const log: string[] = [];
  const chain = new FilterChain(hooks.map((each, index) => noting(log, 'abcdef'[index]!, each)));
  const owner = new FakeOwner(chain);
  Object.defineProperty(owner, 'log', { value: log });
  return { owner, log, chain };
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('FilterChain', () => {
  it('lets requests through forwards and responses backwards, and tells the end to all', () => {
    const { owner, log, chain } = chainOf({}, {}, {});
    chain.requestHead(owner);
    owner.upstreamAnswers(200);
    chain.end(owner, outcome);
    chain.end(owner, outcome);
    assert.deepEqual(log, [
      'a request',
      'b request',
      'c request',
      'request',
      'c response 200',
      'b response 200',
      'a response 200',
      'response 200',
      'c end 200',
      'b end 200',
      'a end 200',
    ]);
  });

  it('asks no upstream when a filter answers, and no filter behind it', () => {
    const { owner, log, chain } = chainOf({}, { onRequestHead: () => teapot }, {});
    chain.requestHead(owner);
    chain.end(owner, outcome);
    assert.deepEqual(log, [
      'a request',
      'b request',
      'replace 418',
      'b response 418',
      'a response 418',
      'response 418',
      'b end 200',
      'a end 200',
    ]);
    assert.equal(owner.response, teapot);
  });

  it('passes the fields that go upstream, and the response, from filter to filter', () => {
    const seen: unknown[] = [];
    const { owner, chain } = chainOf(
      {
        onRequestHead: ({ upstreamFields }) => void upstreamFields.push('x-a', '1'),
        onResponseHead: (exchange) => void seen.push(exchange.responseStatus, [...exchange.responseFields]),
      },
      {
        onRequestHead: ({ upstreamFields }) => void seen.push([...upstreamFields]),
        onResponseHead: (exchange) => {
          exchange.responseStatus = 203;
          exchange.responseFields.push('x-b', '2');
        },
      },
    );
    chain.requestHead(owner);
    owner.upstreamAnswers(200);
    assert.deepEqual(seen, [['x-a', '1'], 203, ['x-b', '2']]);
  });

  it('lets a filter replace a response, for those further out only', () => {
    const { owner, log, chain } = chainOf({}, { onResponseHead: () => unfit }, {});
    chain.requestHead(owner);
    log.length = 0;
    owner.upstreamAnswers(200);
    assert.deepEqual(log, [
      'c response 200',
      'b response 200',
      'replace 400',
      'a response 400',
      'response 400',
    ]);
  });

  it('gives every exchange a state of its own at each filter', () => {
    const filter: Filter<{ count: number }> = {
      kind: 'test',
      name: 'a',
      createState: () => ({ count: 0 }),
      onRequestHead: (_exchange, state) => void (state.count += 1),
      onResponseHead: (exchange, state) =>
        void exchange.responseFields.push('count', String((state.count += 1))),
    };
    const chain = new FilterChain([noting([], 'b'), filter]);
    for (let exchange = 0; exchange < 2; exchange += 1) {
      const owner = new FakeOwner(chain);
      chain.requestHead(owner);
      owner.upstreamAnswers(200);
      assert.deepEqual(owner.responseFields, ['count', '2']);
    }
  });

  it('takes a filter without hooks for one that lets pass', () => {
    const chain = new FilterChain([{ kind: 'test', name: 'a' }]);
    const owner = new FakeOwner(chain);
    chain.requestHead(owner);
    owner.upstreamAnswers(204);
    chain.end(owner, outcome);
    assert.deepEqual(owner.log, ['request', 'response 204']);
  });
});

describe('a filter that waits', () => {
  it('holds the request back, and nothing else', async () => {
    const late = Promise.withResolvers<Verdict>();
    const { owner, log, chain } = chainOf({}, { onRequestHead: () => late.promise }, {});
    chain.requestHead(owner);
    assert.deepEqual(log, ['a request', 'b request']);
    late.resolve(undefined);
    await settled();
    assert.deepEqual(log.slice(2), ['c request', 'request']);
  });

  it('may answer later, or take the body', async () => {
    const answering = chainOf({ onRequestHead: async () => teapot }, {});
    answering.chain.requestHead(answering.owner);
    await settled();
    assert.deepEqual(answering.log, ['a request', 'replace 418', 'a response 418', 'response 418']);
    const reading = chainOf({ onRequestHead: async () => takesBody });
    reading.chain.requestHead(reading.owner);
    assert.equal(reading.owner.requestPass, undefined);
    await settled();
    assert.ok(reading.owner.requestPass);
  });

  it('holds the response back', async () => {
    const { owner, log, chain } = chainOf({}, { onResponseHead: async () => unfit });
    chain.requestHead(owner);
    owner.upstreamAnswers(200);
    assert.deepEqual(log.slice(3), ['b response 200']);
    await settled();
    assert.deepEqual(log.slice(4), ['replace 400', 'a response 400', 'response 400']);
  });

  it('is not heard when the exchange is over', async () => {
    for (const settle of ['resolve', 'reject'] as const) {
      const late = Promise.withResolvers<Verdict>();
      const { owner, log, chain } = chainOf({ onRequestHead: () => late.promise }, {});
      chain.requestHead(owner);
      chain.end(owner, outcome);
      if (settle === 'resolve') late.resolve(teapot);
      else late.reject(new Error('too late'));
      await settled();
      assert.deepEqual(log, ['a request', 'a end 200']);
      assert.deepEqual(owner.errors, []);
    }
  });

  it('is not heard when the owner has answered meanwhile, and sees that answer as any filter', async () => {
    const late = Promise.withResolvers<Verdict>();
    const { owner, log, chain } = chainOf({}, { onRequestHead: () => late.promise }, {});
    chain.requestHead(owner);
    owner.upstreamAnswers(504);
    late.resolve(undefined);
    await settled();
    assert.deepEqual(log.slice(2), ['b response 504', 'a response 504', 'response 504']);
  });

  it('on a response is passed over when that response is replaced', async () => {
    const late = Promise.withResolvers<Verdict>();
    const { owner, log, chain } = chainOf({}, { onResponseHead: () => late.promise });
    chain.requestHead(owner);
    owner.upstreamAnswers(200);
    owner.upstreamAnswers(504);
    late.resolve(teapot);
    await settled();
    assert.deepEqual(log.slice(3), ['b response 200', 'a response 504', 'response 504']);
  });

  it('leaves no rejection unhandled when the owner fails after the wait', async () => {
    const { owner, chain } = chainOf({ onRequestHead: async () => undefined });
    const bug = new Error('a bug of the owner');
    owner.onSent = () => {
      throw bug;
    };
    chain.requestHead(owner);
    await settled();
    assert.equal(owner.crashed, bug);
  });
});

describe('a filter that fails', () => {
  const broken = new Error('broken');
  const fail = (): never => {
    throw broken;
  };
  const failLater = async (): Promise<never> => fail();

  for (const [when, hook] of [
    ['at once', fail],
    ['after a wait', failLater],
  ] as const) {
    it(`${when} on a request refuses it, for the filters before it to see`, async () => {
      const { owner, log, chain } = chainOf({}, { onRequestHead: hook }, {});
      chain.requestHead(owner);
      await settled();
      assert.deepEqual(log, ['a request', 'b request', 'replace 500', 'a response 500', 'response 500']);
      assert.deepEqual(
        owner.errors.map(({ filter, error }) => [filter.name, error]),
        [['b', broken]],
      );
    });

    it(`${when} on a response replaces it`, async () => {
      const { owner, log, chain } = chainOf({}, { onResponseHead: hook });
      chain.requestHead(owner);
      owner.upstreamAnswers(200);
      await settled();
      assert.deepEqual(log.slice(3), ['b response 200', 'replace 500', 'a response 500', 'response 500']);
      assert.equal(owner.errors.length, 1);
    });
  }

  it('at the end keeps nobody else from hearing of it', () => {
    const { owner, log, chain } = chainOf({}, { onEnd: fail });
    chain.requestHead(owner);
    chain.end(owner, outcome);
    assert.deepEqual(log.slice(3), ['b end 200', 'a end 200']);
    assert.equal(owner.errors.length, 1);
  });

  it('to make its state refuses the request', () => {
    const chain = new FilterChain([{ kind: 'test', name: 'a', createState: fail }]);
    const owner = new FakeOwner(chain);
    chain.requestHead(owner);
    assert.deepEqual(owner.log, ['replace 500', 'response 500']);
  });
});

describe('bodies', () => {
  const upper = (chunk: Uint8Array): Uint8Array => Buffer.from(String(chunk).toUpperCase());

  it('go through the filters that asked for them, each way in its order', () => {
    const suffix = (text: string) => (chunk: Uint8Array) => Buffer.from(`${String(chunk)}${text}`);
    const body = (name: string): Filter => ({
      kind: 'test',
      name,
      onRequestHead: () => takesBody,
      onRequestChunk: suffix(name),
      onResponseHead: () => takesBody,
      onResponseChunk: suffix(name),
      onResponseEnd: () => Buffer.from(`.${name}`),
    });
    const chain = new FilterChain([body('a'), noting([], 'b'), body('c')]);
    const owner = new FakeOwner(chain);
    chain.requestHead(owner);
    assert.equal(owner.requestPass?.write(Buffer.from('1')), true);
    owner.requestPass?.end();
    owner.upstreamAnswers(200);
    owner.responsePass?.write(Buffer.from('2'));
    owner.responsePass?.end();
    assert.deepEqual(owner.log, [
      'request',
      '> 1ac',
      '> end',
      'response 200',
      '< 2ca',
      '< .ca',
      '< .a',
      '< end',
    ]);
  });

  it('have no pass when nobody asks for them', () => {
    const { owner, chain } = chainOf({ onRequestChunk: upper, onResponseChunk: upper });
    chain.requestHead(owner);
    owner.upstreamAnswers(200);
    assert.deepEqual([owner.requestPass, owner.responsePass], [undefined, undefined]);
  });

  it('of a response that is replaced are no business of those further in', () => {
    const taking = { kind: 'test', onResponseHead: () => takesBody, onResponseChunk: upper } as const;
    const chain = new FilterChain([
      { ...taking, name: 'a' },
      { kind: 'test', name: 'b', onResponseHead: () => teapot },
      { ...taking, name: 'c', onResponseChunk: () => undefined },
    ]);
    const owner = new FakeOwner(chain);
    chain.requestHead(owner);
    owner.upstreamAnswers(200);
    owner.responsePass?.write(Buffer.from('tea'));
    assert.deepEqual(owner.log.slice(-1), ['< TEA']);
  });

  it('of a request that is answered reach nobody', () => {
    const { owner, chain } = chainOf({ onRequestHead: () => takesBody }, { onRequestHead: () => teapot });
    chain.requestHead(owner);
    assert.equal(owner.requestPass, undefined);
  });

  it('end with the exchange', async () => {
    const late = Promise.withResolvers<Uint8Array>();
    const chain = new FilterChain([
      { kind: 'test', name: 'a', onRequestHead: () => takesBody, onRequestChunk: () => late.promise },
    ]);
    const owner = new FakeOwner(chain);
    chain.requestHead(owner);
    assert.equal(owner.requestPass?.write(Buffer.from('1')), false);
    chain.end(owner, outcome);
    late.resolve(Buffer.from('2'));
    await settled();
    assert.deepEqual(owner.log, ['request']);
  });

  it('break the exchange when a filter fails on them', () => {
    const chain = new FilterChain([
      {
        kind: 'test',
        name: 'a',
        onResponseHead: () => takesBody,
        onResponseChunk: () => {
          throw new Error('broken');
        },
      },
    ]);
    const owner = new FakeOwner(chain);
    chain.requestHead(owner);
    owner.upstreamAnswers(200);
    owner.responsePass?.write(Buffer.from('1'));
    owner.responsePass?.write(Buffer.from('2'));
    owner.responsePass?.end();
    assert.deepEqual(owner.log, ['request', 'response 200', 'body failed']);
    assert.equal(owner.errors[0]?.filter.name, 'a');
  });
});

type Act = 'pass' | 'answer' | 'throw';
interface Behaviour {
  request: Act;
  response: Act;
  waits: boolean;
}

const behaviour: fc.Arbitrary<Behaviour> = fc.record({
  request: fc.constantFrom<Act>('pass', 'pass', 'pass', 'answer', 'throw'),
  response: fc.constantFrom<Act>('pass', 'pass', 'answer', 'throw'),
  waits: fc.boolean(),
});

function acting(act: Act, waits: boolean): Sooner<Verdict> {
  const verdict = act === 'answer' ? teapot : undefined;
  if (waits) return act === 'throw' ? Promise.reject(new Error('broken')) : Promise.resolve(verdict);
  if (act === 'throw') throw new Error('broken');
  return verdict;
}

/** What happens besides the filters: the upstream answers, the owner refuses at any moment, the client goes. */
const interruptions = fc.array(fc.constantFrom('turn', 'answer', 'end'), { maxLength: 6 });

describe('any chain, whatever waits, fails or interrupts', () => {
  it('asks each filter once a hook, in order, responses of entered filters only, and ends each once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(behaviour, { maxLength: 6 }), interruptions, async (behaviours, events) => {
        const { owner, log, chain } = chainOf(
          ...behaviours.map(({ request, response, waits }) => ({
            onRequestHead: () => acting(request, waits),
            onResponseHead: () => acting(response, waits),
          })),
        );
        let sent = 0;
        owner.onSent = (what) => void (sent += what === 'response' ? 1 : 0);
        chain.requestHead(owner);
        for (const event of events) {
          if (event === 'turn') await settled();
          else if (event === 'end') chain.end(owner, outcome);
          // A response that is out is not answered again, as the relay would cut the connection.
          else if (sent === 0 && !log.some((line) => line.includes('end'))) owner.upstreamAnswers(504);
        }
        await settled();
        chain.end(owner, outcome);
        const length = log.length;
        await settled();
        assert.equal(log.length, length, 'something came after the end');
        check(log);
        assert.equal(owner.crashed, undefined);
      }),
      { numRuns: 500 },
    );
  });
});

function check(log: readonly string[]): void {
  const named = (hook: string): string =>
    log
      .filter((line) => line.split(' ')[1] === hook)
      .map((line) => line[0]!)
      .join('');
  const [requests, responses, ends] = ['request', 'response', 'end'].map(named) as [string, string, string];
  assert.equal(requests, 'abcdef'.slice(0, requests.length), 'requests go forwards, each filter once');
  assert.equal(responses, responses.split('').toSorted().toReversed().join(''), 'responses go backwards');
  assert.equal(new Set(responses).size, responses.length, 'each filter sees one response at most');
  assert.ok(
    responses.split('').every((name) => requests.includes(name)),
    'only filters that the request reached',
  );
  assert.equal(ends, requests.split('').toReversed().join(''), 'each filter that was reached ends once');
  assert.ok(log.filter((line) => line.startsWith('response')).length <= 1, 'one response is sent');
  assert.ok(log.filter((line) => line === 'request').length <= 1, 'one request is sent');
}
