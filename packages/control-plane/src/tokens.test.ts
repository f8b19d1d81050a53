import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openWorld, tempDirectory } from './testing/world.ts';
import { Tokens } from './tokens.ts';

describe('Tokens', () => {
  it('makes a token once, for its owner alone to read, and keeps only its hash', async (t) => {
    const { store, clock, databaseFile } = await openWorld(t);
    const file = join(tempDirectory(t), 'admin.token');
    const tokens = await Tokens.load(store, clock);
    assert.equal(await tokens.ensureFile('admin', 'admin', file), true);
    assert.equal(await tokens.ensureFile('admin', 'admin', file), false);
    const token = readFileSync(file, 'utf8').trim();
    assert.match(token, /^cwt_[-\w]{32}$/);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    for (const suffix of ['', '-wal'])
      assert.ok(!readFileSync(databaseFile + suffix).includes(token.slice(4)));
  });

  it('knows a token again after a restart, and only in its role', async (t) => {
    const { store, clock } = await openWorld(t);
    const file = join(tempDirectory(t), 'node.token');
    await (await Tokens.load(store, clock)).ensureFile('node', 'node', file);
    const tokens = await Tokens.load(store, clock);
    const token = readFileSync(file, 'utf8').trim();
    assert.equal(tokens.authenticate('node', `Bearer ${token}`), 'token/node');
    assert.equal(tokens.authenticate('node', `bearer  ${token}`), 'token/node');
    assert.equal(tokens.authenticate('admin', `Bearer ${token}`), undefined);
    assert.equal(await tokens.ensureFile('node', 'node', file), false);
  });

  it('takes nothing else for a credential', async (t) => {
    const { store, clock } = await openWorld(t);
    const file = join(tempDirectory(t), 'admin.token');
    const tokens = await Tokens.load(store, clock);
    await tokens.ensureFile('admin', 'admin', file);
    const token = readFileSync(file, 'utf8').trim();
    const wrong = [
      undefined,
      '',
      token,
      `Basic ${token}`,
      `Bearer ${token}x`,
      `Bearer ${token.slice(0, -1)}`,
      `Bearer ${token} ${token}`,
      'Bearer ',
      `Bearer ${'x'.repeat(10_000)}`,
    ];
    for (const value of wrong) assert.equal(tokens.authenticate('admin', value), undefined, String(value));
  });

  it('replaces a token whose file is lost or says something else; the old one is valid no more', async (t) => {
    const { store, clock } = await openWorld(t);
    const file = join(tempDirectory(t), 'admin.token');
    const tokens = await Tokens.load(store, clock);
    await tokens.ensureFile('admin', 'admin', file);
    const old = readFileSync(file, 'utf8').trim();
    for (const lose of [() => rmSync(file), () => writeFileSync(file, 'something else')]) {
      lose();
      assert.equal(await tokens.ensureFile('admin', 'admin', file), true);
      assert.equal(tokens.authenticate('admin', `Bearer ${old}`), undefined);
      assert.equal(
        tokens.authenticate('admin', `Bearer ${readFileSync(file, 'utf8').trim()}`),
        'token/admin',
      );
    }
    assert.equal((await store.tokens()).length, 1);
  });
});
