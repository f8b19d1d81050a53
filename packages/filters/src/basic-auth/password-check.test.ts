import assert from 'node:assert/strict';
import { scryptSync } from 'node:crypto';
import { describe, it } from 'node:test';
import type { StoredPassword } from '../consumers.ts';
import { PasswordCheck } from './password-check.ts';

/** As cheap as scrypt lets it be. */
function stored(password: string, saltText = 'salt'): StoredPassword {
  const salt = Buffer.from(saltText);
  return { salt, costLog2: 4, hash: scryptSync(password, salt, 32, { N: 16, r: 8, p: 1 }) };
}

describe('PasswordCheck', () => {
  it('tells good passwords from bad ones, and believes the good ones for a minute', async () => {
    let nowMs = 0;
    const check = new PasswordCheck({ monotonicMs: () => nowMs });
    const secret = stored('right');
    assert.ok(check.check(secret, 'right') instanceof Promise);
    assert.equal(await check.check(secret, 'right'), 'good');
    assert.equal(check.check(secret, 'right'), 'good');
    assert.equal(await check.check(secret, 'wrong'), 'bad');
    assert.ok(check.check(secret, 'wrong') instanceof Promise, 'what was bad is checked anew');
    // A password that was changed is another hash, of which nothing is believed.
    assert.equal(await check.check(stored('other'), 'right'), 'bad');
    assert.equal(await check.check(stored('right', 'pepper'), 'right'), 'good');
    nowMs = 60_000;
    assert.ok(check.check(secret, 'right') instanceof Promise);
  });

  it('takes its time for users that nobody knows, and lets none of them in', async () => {
    const check = new PasswordCheck({ monotonicMs: () => 0 });
    assert.equal(await check.check(undefined, 'right'), 'bad');
    assert.equal(await check.check(undefined, ''), 'bad');
  });

  it('checks one password once at a time, and no more passwords than it may', async () => {
    const check = new PasswordCheck({ monotonicMs: () => 0, runningMax: 1, waitingMax: 1 });
    const secret = stored('right');
    const first = check.check(secret, 'right');
    assert.equal(check.check(secret, 'right'), first);
    const second = check.check(secret, 'b');
    assert.equal(check.check(secret, 'c'), 'busy');
    assert.deepEqual(await Promise.all([first, second]), ['good', 'bad']);
    assert.equal(await check.check(secret, 'c'), 'bad');
  });
});
