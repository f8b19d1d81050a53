// deploy/examples/events.yaml with a browser: the dashboard counts on over a swap, and misses nothing when its endpoint goes.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { startBrowser } from '../../kit/browser.ts';
import { eventually } from '../../kit/eventually.ts';
import { onEnd } from '../../kit/owner.ts';
import { repository, startSystem } from '../../kit/processes.ts';
import { gateway, route } from '../../kit/resources.ts';
import { listen } from '../../kit/upstreams/listen.ts';
import { createDashboard, Orders } from './dashboard-app.ts';

const example = readFileSync(join(repository, 'deploy/examples/events.yaml'), 'utf8');

it('deploy/examples/events.yaml: a dashboard counts on over a swap, and goes on where it was when its endpoint goes', async (t) => {
  const orders = new Orders();
  onEnd(t, () => orders.close());
  const [first, second] = [createDashboard(orders), createDashboard(orders)];
  const ports = [await listen(t, first.server), await listen(t, second.server)];
  const at = (port: number | undefined): string => example.replace('port: 9003', `port: ${port}`);
  const system = await startSystem(t, {
    resources: [gateway({ timeouts: { drain: '1s', drainDelay: '0s' } })],
  });
  await system.apply(at(ports[0]));
  const port = await system.nodes[0]!.trafficPort();

  const browser = await startBrowser(t);
  const page = await browser.newPage();
  await page.goto(`http://dashboard.localhost:${port}/`);
  const seen = (): Promise<number[]> => page.evaluate('window.seen');
  const countsOn = async (): Promise<void> => {
    const { length } = await seen();
    await eventually(async () => (await seen()).length > length + 5, { what: 'the dashboard counts on' });
  };
  await countsOn();
  await system.apply([route('other', '/other', 'dashboard')]);
  await system.apply(at(ports[0]).replace('keepAlive: 15s', 'keepAlive: 10s'));
  await countsOn();
  assert.deepEqual(first.lastEventIds, [undefined]);

  await system.apply(at(ports[1]));
  await eventually(() => second.lastEventIds.length === 1, { what: 'the browser is back' });
  assert.match(String(second.lastEventIds[0]), /^\d+$/);
  await countsOn();
  const numbers = await seen();
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => numbers[0]! + index),
  );
});
