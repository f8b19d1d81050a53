import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { enforcedFor } from './enforced.ts';
import type { Filter, FilterExchange, Verdict } from './filter.ts';
import { FilterChain } from './filter-chain.ts';
import { FakeOwner, outcome } from './testing/fake-owner.ts';

const refusal = { kind: 'refusal', reason: 'unauthenticated' } as const;

/** With private state, as filters of the product have it. */
class Refusing implements Filter<{ ends: number }> {
  readonly kind = 'jwt';
  readonly name = 'auth';
  readonly demands = 'a token';
  readonly #verdict: Verdict | Promise<Verdict>;
  readonly #ended: string[] = [];

  constructor(verdict: Verdict | Promise<Verdict> = refusal) {
    this.#verdict = verdict;
  }

  get ended(): readonly string[] {
    return this.#ended;
  }

  createState(): { ends: number } {
    return { ends: 7 };
  }

  onRequestHead(): Verdict | Promise<Verdict> {
    return this.#verdict;
  }

  onEnd(exchange: FilterExchange, _outcome: unknown, state: { ends: number }): void {
    this.#ended.push(`${exchange.path} ${state.ends}`);
  }
}

function run(filter: Filter, client = '203.0.113.1'): FakeOwner {
  const owner = new FakeOwner(new FilterChain([filter]));
  owner.clientAddress = client;
  owner.chain.requestHead(owner);
  owner.chain.end(owner, outcome);
  return owner;
}

describe('a filter that is not enforced', () => {
  it('counts what it would refuse, and lets it pass', () => {
    const filter = new Refusing();
    const owner = run(enforcedFor(filter, 0));
    assert.deepEqual([owner.log, owner.refusals], [['request'], ['would auth unauthenticated']]);
    assert.deepEqual(filter.ended, ['/a 7'], 'its other hooks are called, with its state');
  });

  it('does so later too, and for answers of its own', async () => {
    const answer = { kind: 'answer', status: 403, fields: [], body: new Uint8Array() } as const;
    const patient = new FakeOwner(new FilterChain([enforcedFor(new Refusing(Promise.resolve(answer)), 0)]));
    patient.chain.requestHead(patient);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([patient.log, patient.refusals], [['request'], ['would auth forbidden']]);
  });

  it('refuses its share of the clients, always the same ones', () => {
    const filter = enforcedFor(new Refusing(), 25);
    const clients = Array.from({ length: 4000 }, (_, n) => `10.0.${n >> 8}.${n & 255}`);
    const refused = clients.filter((client) => run(filter, client).log.includes('replace 401'));
    assert.ok(refused.length > 850 && refused.length < 1150, String(refused.length));
    for (const client of refused.slice(0, 50)) assert.ok(run(filter, client).log.includes('replace 401'));
  });

  it('demands nothing of streams while it is only watched, and fails as it did', () => {
    assert.equal(enforcedFor(new Refusing(), 0).demands, undefined);
    assert.equal(enforcedFor(new Refusing(), 1).demands, 'a token');
    const failing = run(enforcedFor(new Refusing({ kind: 'refusal', reason: 'internal' }), 0));
    assert.ok(failing.log.includes('replace 500'));
  });
});
