import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { systemClock } from './clock.ts';
import { type AddressRecord, type DnsFunctions, systemDns } from './dns-functions.ts';
import { ManualClock } from './manual-clock.ts';
import {
  addressesMax,
  NameResolver,
  queriesMax,
  queryDeadlineMs,
  refreshMsMax,
  refreshMsMin,
  retryMsMax,
  staleMsMin,
} from './name-resolver.ts';

type Reply = readonly AddressRecord[] | Error | 'never';

const records = (ttlSeconds: number, ...addresses: string[]): AddressRecord[] =>
  addresses.map((address) => ({ address, ttlSeconds }));

/** Name servers and a system whose words a test chooses. */
class FakeDns implements DnsFunctions {
  v4 = new Map<string, Reply>();
  v6 = new Map<string, Reply>();
  system = new Map<string, readonly string[] | Error | 'never'>();
  queries: string[] = [];
  lookups: string[] = [];

  async query(name: string, family: 4 | 6): Promise<readonly AddressRecord[]> {
    this.queries.push(`${name} ${family}`);
    return spoken((family === 4 ? this.v4 : this.v6).get(name) ?? []);
  }

  async lookup(name: string): Promise<readonly string[]> {
    this.lookups.push(name);
    return spoken(this.system.get(name) ?? []);
  }
}

function spoken<T>(reply: readonly T[] | Error | 'never'): Promise<readonly T[]> {
  if (reply === 'never') return new Promise(() => {});
  return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
}

function setting(options: { staleMs?: number; random?: () => number } = {}) {
  const clock = new ManualClock();
  const dns = new FakeDns();
  const resolver = new NameResolver({ clock, dns, random: () => 0, ...options });
  const told: string[] = [];
  const watch = (name: string): (() => void) =>
    resolver.watch(name, (addresses) => told.push(`${name}: ${addresses.join(' ')}`.trimEnd()));
  /** Lets time pass, and everything that follows from it. */
  const pass = async (ms: number): Promise<string[]> => {
    clock.advance(ms);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    return told.splice(0);
  };
  return { clock, dns, resolver, told, watch, pass };
}

const silent = new Error('SERVFAIL');

describe('NameResolver', () => {
  it('tells A and AAAA, sorted, once they are known and when they change', async () => {
    const { dns, watch, told, pass, resolver } = setting();
    dns.v4.set('a.test', records(10, '10.0.0.2', '10.0.0.1'));
    dns.v6.set('a.test', records(10, '::2'));
    watch('A.test');
    assert.deepEqual(told, [], 'not during the call');
    assert.deepEqual(await pass(0), ['A.test: 10.0.0.1 10.0.0.2 ::2']);
    dns.v4.set('a.test', records(10, '10.0.0.1', '10.0.0.2'));
    assert.deepEqual(await pass(10_000), [], 'only the order has changed');
    dns.v4.set('a.test', records(10, '10.0.0.1'));
    dns.v6.set('a.test', []);
    assert.deepEqual(await pass(10_000), ['A.test: 10.0.0.1']);
    assert.deepEqual([resolver.lookups, resolver.failures], [3, 0]);
    assert.deepEqual(dns.lookups, []);
  });

  it('asks again after the TTL, within bounds and with jitter', async () => {
    for (const [ttlSeconds, random, expectedMs] of [
      [20, 0, 20_000],
      [20, 0.5, 18_000],
      [0, 0.9, refreshMsMin],
      [1, 0.9, refreshMsMin],
      [86_400, 0, refreshMsMax],
    ] as const) {
      const { dns, watch, pass, resolver } = setting({ random: () => random });
      dns.v4.set('a.test', records(ttlSeconds, '10.0.0.1'));
      watch('a.test');
      await pass(0);
      await pass(expectedMs - 1);
      assert.equal(resolver.lookups, 1, `${ttlSeconds} s, too early`);
      await pass(1);
      assert.equal(resolver.lookups, 2, `${ttlSeconds} s`);
    }
  });

  it('keeps what it knew when nobody confirms it, for the stale time and no longer', async () => {
    for (const reply of [silent, []] as Reply[]) {
      const { dns, watch, pass, resolver } = setting({ staleMs: 600_000 });
      dns.v4.set('a.test', records(60, '10.0.0.1'));
      watch('a.test');
      await pass(0);
      dns.v4.set('a.test', reply);
      dns.v6.set('a.test', reply);
      const changes: string[] = [];
      for (let ms = 0; ms < 600_000 - retryMsMax; ms += 1000) changes.push(...(await pass(1000)));
      assert.equal(changes.length, 0, changes.join());
      assert.ok(resolver.failures > 100, String(resolver.failures));
      for (let ms = 0; ms < 3 * retryMsMax; ms += 1000) changes.push(...(await pass(1000)));
      assert.deepEqual(changes, ['a.test:']);
      dns.v4.set('a.test', records(60, '10.0.0.2'));
      assert.deepEqual(await pass(retryMsMax), ['a.test: 10.0.0.2']);
    }
  });

  it('keeps them for five minutes at the least', async () => {
    const { dns, watch, pass } = setting({ staleMs: 0 });
    dns.v4.set('a.test', records(1, '10.0.0.1'));
    watch('a.test');
    await pass(0);
    dns.v4.set('a.test', silent);
    assert.deepEqual(await pass(1000), []);
    for (let ms = 1000; ms < staleMsMin - retryMsMax; ms += retryMsMax)
      assert.deepEqual(await pass(retryMsMax), []);
  });

  it('keeps the addresses of a family that cannot be asked for', async () => {
    const { dns, watch, pass } = setting();
    dns.v4.set('a.test', records(10, '10.0.0.1'));
    dns.v6.set('a.test', records(10, '::1'));
    watch('a.test');
    await pass(0);
    dns.v6.set('a.test', silent);
    dns.v4.set('a.test', records(10, '10.0.0.9'));
    assert.deepEqual(await pass(10_000), ['a.test: 10.0.0.9 ::1']);
  });

  it('says that there is none, and asks again within five seconds', async () => {
    const { dns, watch, pass, resolver } = setting();
    watch('a.test');
    assert.deepEqual(await pass(0), ['a.test:']);
    assert.equal(resolver.failures, 1);
    dns.v6.set('a.test', records(60, '::5'));
    assert.deepEqual(await pass(retryMsMax), ['a.test: ::5']);
  });

  it('looks names up that name servers do not know, or that there are none for, one at a time', async () => {
    const { dns, watch, pass } = setting();
    dns.v4.set('b', silent);
    dns.v6.set('b', silent);
    dns.system.set('a', ['::1', '127.0.0.1', '127.0.0.1']);
    dns.system.set('b', ['10.0.0.1']);
    watch('a');
    watch('b');
    assert.deepEqual(await pass(0), ['a: 127.0.0.1 ::1', 'b: 10.0.0.1']);
    dns.queries = [];
    dns.system.set('a', 'never');
    dns.system.set('b', ['10.0.0.2']);
    assert.deepEqual(await pass(30_000), [], 'b waits for the turn of a');
    assert.deepEqual([dns.lookups, dns.queries], [['a', 'b', 'a'], []]);
  });

  it('does not let the system ask servers that are silent about a name which they knew', async () => {
    const { dns, watch, pass } = setting();
    dns.v4.set('a.test', records(1, '10.0.0.1'));
    watch('a.test');
    await pass(0);
    dns.v4.set('a.test', silent);
    await pass(1000);
    assert.deepEqual(dns.lookups, []);
    dns.v4.set('a.test', []);
    dns.system.set('a.test', ['10.0.0.7']);
    assert.deepEqual(await pass(retryMsMax), ['a.test: 10.0.0.7']);
  });

  it('asks for so many names at a time, and is held up by none that never answers', async () => {
    const { dns, watch, pass } = setting();
    for (let index = 0; index < queriesMax; index++) {
      dns.v4.set(`slow${index}`, 'never');
      dns.v6.set(`slow${index}`, 'never');
      watch(`slow${index}`);
    }
    dns.v4.set('quick', records(60, '10.0.0.1'));
    watch('quick');
    assert.deepEqual(await pass(0), []);
    assert.equal(dns.queries.length, 2 * queriesMax);
    const told = await pass(queryDeadlineMs);
    assert.ok(told.includes('quick: 10.0.0.1'));
    assert.ok(told.includes('slow0:'));
  });

  it('keeps so many addresses of a family, always the same ones', async () => {
    const { dns, resolver, pass } = setting();
    const all = Array.from({ length: 1000 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    dns.v4.set('a.test', records(1, ...all));
    const sizes: number[] = [];
    resolver.watch('a.test', (addresses) => sizes.push(addresses.length));
    await pass(0);
    dns.v4.set('a.test', records(1, ...all.toReversed()));
    await pass(1000);
    assert.deepEqual(sizes, [addressesMax]);
  });

  it('takes an address for its own, without asking', async () => {
    const { watch, pass, resolver } = setting();
    watch('10.0.0.1');
    watch('::1');
    assert.deepEqual(await pass(0), ['10.0.0.1: 10.0.0.1', '::1: ::1']);
    assert.equal(resolver.lookups, 0);
  });

  it('asks once for all who watch a name, and stops with the last of them', async () => {
    const { clock, dns, resolver, watch, pass } = setting();
    dns.v4.set('a.test', records(10, '10.0.0.1'));
    const first = watch('a.test');
    await pass(0);
    const second = watch('a.test');
    const third = watch('a.test');
    third();
    assert.deepEqual(await pass(0), ['a.test: 10.0.0.1'], 'what is known already');
    assert.equal(resolver.lookups, 1);
    first();
    first();
    dns.v4.set('a.test', records(10, '10.0.0.2'));
    assert.deepEqual(await pass(10_000), ['a.test: 10.0.0.2']);
    second();
    assert.deepEqual([resolver.names, clock.pendingTimers], [0, 0]);
    watch('a.test');
    resolver.close();
    assert.deepEqual(await pass(10_000), [], 'an answer that comes late is told to nobody');
    assert.deepEqual([resolver.names, clock.pendingTimers], [0, 0]);
  });
});

/** A name server on loopback that answers A questions for `known.test`, refuses `refused.test` and knows no other name. */
async function startNameServer(t: TestContext): Promise<string> {
  const socket = createSocket('udp4');
  socket.on('message', (question, { port }) => socket.send(answerTo(question), port, '127.0.0.1'));
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return `127.0.0.1:${socket.address().port}`;
}

/** RFC 1035 section 4: header, the question again, and one A record with a TTL of 42 s. */
function answerTo(question: Buffer): Buffer {
  const end = question.indexOf(0, 12) + 5;
  const isKnown = question.subarray(12, end).includes('known') && question.readUInt16BE(end - 4) === 1;
  const header = Buffer.from(question.subarray(0, 12));
  const code = isKnown ? 0 : question.includes('refused') ? 5 : 3;
  header.writeUInt16BE(0x8580 | code, 2);
  header.writeUInt16BE(isKnown ? 1 : 0, 6);
  header.writeUInt32BE(0, 8);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 42, 0, 4, 10, 9, 8, 7]);
  return Buffer.concat([header, question.subarray(12, end), ...(isKnown ? [record] : [])]);
}

describe('systemDns', () => {
  it('finds localhost, without a name server', async (t) => {
    const dns = { ...systemDns(), query: () => Promise.reject(new Error('asked')) };
    const resolver = new NameResolver({ clock: systemClock, dns });
    t.after(() => resolver.close());
    const addresses = await new Promise<readonly string[]>((resolve) => resolver.watch('localhost', resolve));
    assert.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'), addresses.join());
  });

  it('reads records with their TTL, and tells an unknown name from servers that fail', async (t) => {
    const dns = systemDns([await startNameServer(t)]);
    assert.deepEqual(await dns.query('known.test', 4), records(42, '10.9.8.7'));
    assert.deepEqual(await dns.query('known.test', 6), []);
    assert.deepEqual(await dns.query('nobody.test', 4), []);
    await assert.rejects(dns.query('refused.test', 4), { code: 'EREFUSED' });
  });
});
