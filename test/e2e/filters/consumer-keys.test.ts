// Keys that the control plane makes for Consumers: made, replaced and revoked over the admin API, and what nodes make of them.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import type { Answer } from '../../kit/admin.ts';
import { eventually } from '../../kit/eventually.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { startEcho } from '../../kit/upstreams/echo.ts';

const consumer = (name: string, spec: object = {}): Resource => ({
  kind: 'Consumer',
  metadata: { name },
  spec,
});
const keysOf = (name: string): string => `namespaces/default/consumers/${name}/keys`;

describe('keys that the control plane makes', () => {
  const scope = new OwnScope();
  let system: System;
  let url: string;

  before(async () => {
    const echo = await startEcho(scope);
    system = await startSystem(scope, {
      nodes: ['edge-1'],
      resources: [
        gateway(),
        service('echo', [echo.port]),
        route('keyed', '/', 'echo', { filters: [{ apiKey: {} }] }),
        ...['acme', 'other', 'racer', 'old'].map((name) => consumer(name, { groups: ['gold'] })),
      ],
    });
    url = await system.nodes[0]!.trafficUrl();
  });
  after(() => scope.end());

  const call = (method: string, path: string, body?: object): Promise<Answer> =>
    system.admin.call(method, path, body === undefined ? {} : { body });

  /** A write of a key, once the nodes have it. */
  async function written(method: string, path: string, body?: object): Promise<Answer> {
    const answer = await call(method, path, body);
    assert.ok(answer.status < 300, answer.text);
    await system.admin.waitUntilApplied(Number(answer.headers['causeway-revision']), ['edge-1']);
    return answer;
  }

  async function status(key: unknown): Promise<number> {
    const answer = await request(url, { headers: { 'x-api-key': String(key) } });
    await answer.body.dump();
    return answer.statusCode;
  }

  const keys = async (name: string): Promise<Record<string, unknown>[]> =>
    (await call('GET', `namespaces/default/consumers/${name}`)).field('status', 'keys') as never;

  it('let their Consumer in, are told once, and stay when it is applied anew', async () => {
    const made = await written('POST', keysOf('acme'), { name: 'ci', expiresAt: '2999-01-01T00:00:00Z' });
    assert.equal(made.status, 201);
    const key = String(made.field('key'));
    assert.match(key, /^cwk_[0-9A-Za-z]{26}_[0-9A-Za-z]{4}$/);
    assert.deepEqual(made.json(), {
      name: 'ci',
      key,
      prefix: key.slice(0, 8),
      expiresAt: '2999-01-01T00:00:00Z',
    });
    assert.equal(await status(key), 200);
    assert.equal(await status(`${key.slice(0, -1)}_`), 401);
    await system.apply([consumer('acme', { groups: ['silver'] })]);
    assert.equal(await status(key), 200);
    const shown = await call('GET', 'namespaces/default/consumers/acme');
    assert.deepEqual(shown.field('spec'), { groups: ['silver'] });
    assert.equal(shown.field('serverKeys'), undefined);
    const [first] = await keys('acme');
    // Nodes may have told of its uses by now.
    assert.deepEqual(
      { ...first, createdAt: '', lastUsedAt: '' },
      {
        name: 'ci',
        source: 'server',
        prefix: key.slice(0, 8),
        createdAt: '',
        lastUsedAt: '',
        expiresAt: '2999-01-01T00:00:00Z',
      },
    );
    const dump = await call('GET', 'nodes/edge-1/configDump');
    const log = system.controlPlane.child.logs.map((line) => JSON.stringify(line)).join('');
    for (const text of [shown.text, dump.text, log]) assert.ok(!text.includes(key));
    const database = await readFile(join(system.controlPlane.dataDir, 'control-plane/causeway.db'));
    assert.ok(!database.includes(key));
  });

  it('are replaced with an overlap, or at once', async () => {
    const first = String((await written('POST', keysOf('other'), { name: 'ci' })).field('key'));
    const second = String((await written('POST', `${keysOf('other')}/ci/rotate`, {})).field('key'));
    assert.deepEqual([await status(first), await status(second)], [200, 200]);
    const shown = (await keys('other')).map(({ prefix, replaced, expiresAt }) => [
      prefix,
      replaced,
      typeof expiresAt,
    ]);
    assert.deepEqual(shown, [
      [first.slice(0, 8), true, 'string'],
      [second.slice(0, 8), undefined, 'undefined'],
    ]);
    const third = await written('POST', `${keysOf('other')}/ci/rotate`, { overlap: '0s' });
    assert.deepEqual([await status(first), await status(second)], [200, 401]);
    const revoked = await written('DELETE', `${keysOf('other')}/ci`);
    assert.deepEqual([revoked.status, revoked.text], [204, '']);
    assert.deepEqual([await status(first), await status(third.field('key'))], [401, 401]);
    assert.deepEqual(await keys('other'), []);
  });

  it('live no longer than times can be written, and have no path but their own', async () => {
    const last = '9999-12-31T23:59:59.999Z';
    await written('POST', keysOf('other'), { name: 'long', expiresAt: last });
    const rotated = await written('POST', `${keysOf('other')}/long/rotate`, { overlap: '0s' });
    assert.equal(rotated.field('expiresAt'), last);
    const elsewhere = await call('POST', `${keysOf('other')}/%2e%2e/rotate`, {});
    assert.equal(
      elsewhere.field('detail'),
      'there is nothing at /apis/causeway/v1/namespaces/default/consumers/other/rotate',
    );
    await written('DELETE', `${keysOf('other')}/long`);
  });

  it('are replaced by one of several who try at the same time', async () => {
    await written('POST', keysOf('racer'), { name: 'ci' });
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => call('POST', `${keysOf('racer')}/ci/rotate`, { overlap: '0s' })),
    );
    const won = answers.filter((answer) => answer.status === 201);
    assert.ok(won.length >= 1);
    assert.ok(answers.every((answer) => answer.status === 201 || answer.field('code') === 'conflict'));
    const revision = Math.max(...won.map(({ headers }) => Number(headers['causeway-revision'])));
    await system.admin.waitUntilApplied(revision, ['edge-1']);
    const good = await Promise.all(won.map((answer) => status(answer.field('key'))));
    assert.equal(good.filter((code) => code === 200).length, 1);
    assert.equal((await keys('racer')).length, 1);
  });

  it('cannot be taken over, and their names not be used twice', async () => {
    const made = await written('POST', keysOf('acme'), { name: 'kept' });
    const key = made.field('key');
    const taken = await call('PUT', 'namespaces/default/consumers/thief', {
      ...consumer('thief', { keys: [{ name: 'mine', value: key }] }),
      apiVersion: 'causeway/v1',
    });
    assert.equal(taken.status, 422);
    assert.equal(taken.field('errors', 0, 'pointer'), '/spec/keys/0/value');
    assert.ok(!taken.text.includes(String(key)));
    const secret: Resource = { kind: 'Secret', metadata: { name: 'stolen' }, spec: { data: { k: key } } };
    const thief = consumer('thief', { keys: [{ name: 'mine', value: { secret: 'stolen', key: 'k' } }] });
    await assert.rejects(
      system.admin.apply([secret, thief]),
      /422.*cwk_ are made by the control plane alone/,
    );
    const again = await call('POST', keysOf('acme'), { name: 'kept' });
    assert.deepEqual([again.status, again.field('code')], [409, 'already_exists']);
    const same = consumer('acme', { keys: [{ name: 'kept', value: 'a-key-of-my-own-choice' }] });
    await assert.rejects(system.admin.apply([same]), /the control plane has made a key/);
  });

  it('go with their Consumer', async () => {
    const made = await written('POST', keysOf('old'), {});
    assert.match(String(made.field('name')), /^key-[0-9a-f]{8}$/);
    await written('DELETE', 'namespaces/default/consumers/old');
    await system.apply([consumer('old')]);
    assert.equal(await status(made.field('key')), 401);
    assert.deepEqual(await keys('old'), []);
  });

  it('show when they were used last, also when the control plane has been started again', async () => {
    const made = await written('POST', keysOf('racer'), { name: 'seen' });
    const lastUse = async (): Promise<unknown> =>
      (await keys('racer')).find(({ name }) => name === 'seen')?.['lastUsedAt'];
    assert.equal(await lastUse(), undefined);
    const beganMs = Date.now();
    assert.equal(await status(made.field('key')), 200);
    const used = await eventually(lastUse, {
      what: 'the last use of a key',
      until: (time) => typeof time === 'string',
    });
    assert.ok(Date.parse(String(used)) >= beganMs - 1);
    await system.controlPlane.stop();
    await system.controlPlane.start();
    assert.equal(await lastUse(), used);
  });

  it('are refused with a reason', async () => {
    const codes = await Promise.all([
      call('POST', keysOf('nobody'), {}),
      call('POST', keysOf('acme'), { name: 'A b' }),
      call('POST', keysOf('acme'), { expiresAt: '2020-01-01T00:00:00Z' }),
      call('POST', `${keysOf('acme')}?dryRun=All`, {}),
      call('POST', `${keysOf('acme')}/none/rotate`, {}),
      call('DELETE', `${keysOf('acme')}/none`),
      call('GET', keysOf('acme')),
      system.admin.call('POST', keysOf('acme'), { body: {}, token: null }),
    ]);
    assert.deepEqual(
      codes.map((answer) => answer.status),
      [404, 422, 422, 400, 404, 404, 405, 401],
    );
  });
});
