// D2: kept-alive connections that the upstream has closed. A GET is tried again once; nothing else ever runs twice.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { OwnScope, type Owner } from '../kit/owner.ts';
import { rawConnect, type RawClient } from '../kit/raw-client.ts';
import { seed, seededRandom } from '../kit/seeded-random.ts';
import { type CloseMoment, type ClosingUpstream, startClosing } from './closing-upstream.ts';
import { scaled } from './scale.ts';
import { type Served, startRoutes } from './start-routes.ts';

const requests = scaled(3000, 100_000);
const clients = 16;
/** Of the idle connections of the upstream. */
const closedShare = 0.1;
const succeedMin = 0.999;
const body = 'hello';
const moments: readonly CloseMoment[] = ['idle', 'on-request'];

interface Tally {
  get: Map<number, number>;
  post: Map<number, number>;
}

describe('stale connections', () => {
  const scope = new OwnScope();
  const upstreams = new Map<CloseMoment, ClosingUpstream>();
  let served: Served;

  before(async () => {
    for (const moment of moments)
      upstreams.set(
        moment,
        await startClosing(scope, { moment, share: closedShare, random: seededRandom(seed) }),
      );
    const routes = [...upstreams].map(([moment, { port }]) => [moment, { port }] as const);
    served = await startRoutes(scope, Object.fromEntries(routes));
  });
  after(() => scope.end());

  for (const moment of moments)
    test(`${requests} requests while one in ten is closed (${moment}): no GET suffers, no POST runs twice`, async (t) => {
      t.diagnostic(`seed ${seed}`);
      const upstream = upstreams.get(moment)!;
      const tally = await runMany(t, served.port, moment);
      const gets = total(tally.get);
      const good = tally.get.get(200) ?? 0;
      t.diagnostic(`GET ${show(tally.get)}, POST ${show(tally.post)}, ${upstream.closes} connections closed`);
      assert.ok(upstream.closes > requests * closedShare * 0.5, `${upstream.closes} connections were closed`);
      assert.ok(good >= gets * succeedMin, `${good} of ${gets} GETs succeeded: ${show(tally.get)}`);
      assert.deepEqual(
        [...tally.post.keys()].filter((status) => status !== 200 && status !== 502),
        [],
      );
      assertRepeats(upstream, moment);
    });
});

async function runMany(owner: Owner, port: number, moment: CloseMoment): Promise<Tally> {
  const tally: Tally = { get: new Map(), post: new Map() };
  let next = 0;
  const run = async (): Promise<void> => {
    let client = await rawConnect(owner, port);
    for (;;) {
      const index = next;
      next += 1;
      if (index >= requests) return;
      const status = await ask(client, index, moment);
      const counts = isPost(index) ? tally.post : tally.get;
      counts.set(status.code, (counts.get(status.code) ?? 0) + 1);
      if (status.closes) client = await rawConnect(owner, port);
    }
  };
  await Promise.all(Array.from({ length: clients }, run));
  return tally;
}

function isPost(index: number): boolean {
  return index % 3 === 0;
}

async function ask(
  client: RawClient,
  index: number,
  moment: CloseMoment,
): Promise<{ code: number; closes: boolean }> {
  const line = `${isPost(index) ? 'POST' : 'GET'} /${moment}/${index} HTTP/1.1\r\nhost: a.test\r\n`;
  await client.send(isPost(index) ? `${line}content-length: ${body.length}\r\n\r\n${body}` : `${line}\r\n`);
  const { status, headers } = await client.readResponse();
  const closes = headers.some(([name, value]) => name.toLowerCase() === 'connection' && value === 'close');
  return { code: status, closes };
}

function assertRepeats(upstream: ClosingUpstream, moment: CloseMoment): void {
  const all = Array.from({ length: requests }, (_, index) => index);
  const posts = all.filter((index) => isPost(index) && upstream.seen(`/${moment}/${index}`) > 1);
  assert.deepEqual(posts, [], 'POSTs that reached the upstream twice');
  const gets = all.filter((index) => upstream.seen(`/${moment}/${index}`) > 2);
  assert.deepEqual(gets, [], 'GETs that reached the upstream more than twice');
}

function total(counts: ReadonlyMap<number, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function show(counts: ReadonlyMap<number, number>): string {
  return JSON.stringify(Object.fromEntries(counts));
}
