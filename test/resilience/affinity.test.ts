// D20: sessions stay with their endpoint over swaps, other nodes and restarts, and find another one when it dies.

import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { request } from 'undici';
import { eventually } from '../kit/eventually.ts';
import { startSystem, type System } from '../kit/processes.ts';
import { gateway, route, service } from '../kit/resources.ts';
import { MendableUpstream } from './mendable-upstream.ts';

interface Session {
  readonly cookie: string;
  readonly endpoint: string;
}

interface Answer {
  readonly status: number;
  readonly endpoint: string;
  readonly setCookie: string | undefined;
}

async function ask(port: number, cookie?: string): Promise<Answer> {
  // Each on a connection of its own, so that both workers have their share.
  const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}/`, {
    reset: true,
    headers: cookie === undefined ? {} : { cookie },
  });
  const setCookie = headers['set-cookie'];
  assert.ok(!Array.isArray(setCookie));
  return { status: statusCode, endpoint: await body.text(), setCookie };
}

/** A client that has been given its cookie. */
async function begin(port: number): Promise<Session> {
  const { endpoint, setCookie } = await ask(port);
  const [cookie] = (setCookie ?? '').split(';');
  assert.ok(cookie, 'a new client gets a cookie');
  return { cookie, endpoint };
}

async function assertStays(port: number, sessions: readonly Session[]): Promise<void> {
  for (const { cookie, endpoint } of sessions) {
    const answer = await ask(port, cookie);
    assert.deepEqual(answer, { status: 200, endpoint, setCookie: undefined });
  }
}

async function start(
  context: TestContext,
  nodes: readonly string[] = ['node-1'],
): Promise<{ system: System; upstreams: readonly MendableUpstream[] }> {
  const upstreams = ['a', 'b', 'c'].map((name) => new MendableUpstream(context, name));
  await Promise.all(upstreams.map((upstream) => upstream.start()));
  const system = await startSystem(context, {
    nodes,
    resources: [
      gateway(),
      service(
        's',
        upstreams.map(({ port }) => port),
        {
          affinity: { cookie: { name: 'sid', ttl: '1h' } },
          healthCheck: { passive: { connectFailures: 1, ejectFor: '1m' } },
        },
      ),
      route('r', '/', 's', { retry: { attempts: 1 } }),
    ],
  });
  return { system, upstreams };
}

describe('sessions', () => {
  test('stay with their endpoint on both workers, on another node and over swaps', async (context) => {
    const { system } = await start(context, ['node-1', 'node-2']);
    const [one, other] = await Promise.all(system.nodes.map((node) => node.trafficPort()));
    const sessions: Session[] = [];
    for (let count = 0; count < 6; count += 1) sessions.push(await begin(one!));
    assert.equal(new Set(sessions.map(({ endpoint }) => endpoint)).size, 3);
    const { setCookie } = await ask(one!);
    assert.match(setCookie ?? '', /^sid=[\w-]+; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax$/);
    for (let round = 0; round < 3; round += 1) await assertStays(one!, sessions);
    await assertStays(other!, sessions);
    await system.apply([route('more', '/more', 's')]);
    await assertStays(one!, sessions);
    await assertStays(other!, sessions);
  });

  test('stay with their endpoint over a restart of the node without its control plane', async (context) => {
    const { system } = await start(context);
    const node = system.nodes[0]!;
    const sessions = [await begin(await node.trafficPort()), await begin(await node.trafficPort())];
    await system.controlPlane.kill();
    await node.kill();
    await node.start();
    await assertStays(await node.trafficPort(), sessions);
  });

  test('go on elsewhere when their endpoint dies, with a new cookie', async (context) => {
    const { system, upstreams } = await start(context);
    const port = await system.nodes[0]!.trafficPort();
    const sessions: Session[] = [];
    for (let count = 0; count < 6; count += 1) sessions.push(await begin(port));
    const [dead, ...living] = upstreams as [MendableUpstream, ...MendableUpstream[]];
    await dead.kill();
    for (const { cookie, endpoint } of sessions) {
      const answer = await ask(port, cookie);
      assert.equal(answer.status, 200);
      assert.ok(living.some(({ name }) => name === answer.endpoint));
      assert.equal(
        answer.setCookie !== undefined,
        endpoint === dead.name,
        'only who has moved gets a new cookie',
      );
    }
  });

  test('outlive their key by one rotation, with a new cookie, and not by two', async (context) => {
    const { system } = await start(context);
    const port = await system.nodes[0]!.trafficPort();
    const old = [await begin(port), await begin(port), await begin(port)];
    await system.admin.call('POST', 'keys/session/rotate');
    const renewed: Session[] = [];
    for (const { cookie, endpoint } of old) {
      const answer = await eventually(() => ask(port, cookie), {
        until: ({ setCookie }) => setCookie !== undefined,
        what: 'a cookie by the new key',
      });
      assert.equal(answer.endpoint, endpoint);
      renewed.push({ cookie: answer.setCookie!.split(';', 1)[0]!, endpoint });
    }
    await system.admin.call('POST', 'keys/session/rotate');
    for (const { cookie, endpoint } of old)
      await eventually(() => ask(port, cookie), {
        until: (answer) => answer.endpoint !== endpoint,
        what: 'a cookie that nobody knows any more leads anywhere',
      });
    for (const { cookie, endpoint } of renewed) assert.equal((await ask(port, cookie)).endpoint, endpoint);
  });
});
