import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createLogger } from '@causeway/runtime/logger';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { Keyring } from '../store/keyring.ts';
import { Sealer } from '../store/sealer.ts';
import { SqliteStore } from '../store/sqlite-store.ts';
import { tempDirectory } from '../testing/world.ts';
import { SessionTickets } from './session-tickets.ts';

const rotationMs = 3_600_000;
/** Everything that is due has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function setting(t: TestContext) {
  const clock = new ManualClock();
  const store = SqliteStore.open(join(tempDirectory(t), 'causeway.db'), clock);
  t.after(() => store.close());
  const logs: string[] = [];
  const logger = createLogger({ level: 'info', write: (line) => logs.push(line) });
  const open = async () => {
    const keyring = await Keyring.open(store, new Sealer(new Uint8Array(32)), clock);
    const tickets = new SessionTickets({ keyring, clock, logger, rotationMs });
    let rotations = 0;
    tickets.onRotated(() => (rotations += 1));
    t.after(() => tickets.stop());
    const keys = (): string => Buffer.from(tickets.keysOf('edge').keys).toString('hex');
    return { tickets, keys, rotations: () => rotations };
  };
  return { clock, store, logs, open };
}

async function advance(clock: ManualClock, ms: number): Promise<void> {
  // Step by step: each look at the age follows from the one before, when that is over.
  for (let left = ms; left > 0; left -= 60_000) {
    clock.advance(Math.min(left, 60_000));
    await settled();
  }
}

describe('SessionTickets', () => {
  it('replaces the key when it has reached its age, and says when that is', async (t) => {
    const { clock, open } = await setting(t);
    const { tickets, keys, rotations } = await open();
    await tickets.start();
    const first = keys();
    assert.equal(tickets.keysOf('edge').replacedInMs, rotationMs);
    await advance(clock, rotationMs - 1);
    assert.equal(keys(), first);
    assert.equal(tickets.keysOf('edge').replacedInMs, 1);
    await advance(clock, 1);
    assert.notEqual(keys(), first);
    assert.equal(rotations(), 1);
    assert.equal(tickets.keysOf('edge').replacedInMs, rotationMs);
    await advance(clock, rotationMs);
    assert.equal(rotations(), 2);
  });

  it('counts the age over restarts, and replaces at once what has grown old meanwhile', async (t) => {
    const { clock, open } = await setting(t);
    const first = await open();
    await first.tickets.start();
    const keys = first.keys();
    first.tickets.stop();
    clock.advance(rotationMs - 1000);
    const second = await open();
    await second.tickets.start();
    assert.equal(second.keys(), keys);
    await advance(clock, 1000);
    assert.notEqual(second.keys(), keys);
    second.tickets.stop();
    const before = second.keys();
    clock.advance(2 * rotationMs);
    const third = await open();
    await third.tickets.start();
    assert.notEqual(third.keys(), before);
    assert.equal(third.rotations(), 1);
  });

  it('trusts no key from the future', async (t) => {
    const { clock, open } = await setting(t);
    const { tickets, keys } = await open();
    await tickets.start();
    const first = keys();
    clock.jumpWall(-10 * rotationMs);
    assert.equal(tickets.keysOf('edge').replacedInMs, 0);
    await advance(clock, 60_000);
    assert.notEqual(keys(), first);
  });

  it('goes on with the old key while the store takes no new one, and logs none', async (t) => {
    const { clock, store, logs, open } = await setting(t);
    const { tickets, keys } = await open();
    await tickets.start();
    const first = keys();
    t.mock.method(store, 'putKey', () => Promise.reject(new Error('disk full')));
    await advance(clock, rotationMs);
    assert.equal(keys(), first);
    assert.match(logs.join(), /disk full/);
    t.mock.restoreAll();
    await advance(clock, 60_000);
    assert.notEqual(keys(), first);
    assert.ok(!logs.join().includes(first) && !logs.join().includes(keys()));
  });
});
