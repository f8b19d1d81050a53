// deploy/examples/chat.yaml with a browser: two tabs talk, live through a swap, and return when they are sent away.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Page } from 'playwright-core';
import { startBrowser } from '../../kit/browser.ts';
import { eventually } from '../../kit/eventually.ts';
import { repository, startSystem } from '../../kit/processes.ts';
import { gateway, route } from '../../kit/resources.ts';
import { listen } from '../../kit/upstreams/listen.ts';
import { refusedWebSocket } from '../../kit/websocket-client.ts';
import { createChat } from './chat-app.ts';

const example = readFileSync(join(repository, 'deploy/examples/chat.yaml'), 'utf8');

async function say(page: Page, text: string): Promise<void> {
  await page.fill('input', text);
  await page.press('input', 'Enter');
}

async function messagesOf(page: Page): Promise<string[]> {
  return page.locator('#messages li').allTextContents();
}

it('deploy/examples/chat.yaml: two tabs of a browser chat, live through a swap, are told that the Route goes, and return', async (t) => {
  const rooms = [createChat('red'), createChat('blue')];
  const ports = await Promise.all(rooms.map(({ server }) => listen(t, server)));
  const system = await startSystem(t, {
    resources: [gateway({ timeouts: { drain: '2s', drainDelay: '0s' } })],
  });
  // The node listens when it has something to serve: a port is known then.
  await system.apply([
    route('first', '/first', '', { backends: [], filters: [{ respond: { status: 200 } }] }),
  ]);
  const port = await system.nodes[0]!.trafficPort();
  const documents = example
    .replace('port: 9004', `port: ${ports[0]}`)
    .replace('port: 9005', `port: ${ports[1]}`)
    .replaceAll('localhost:8080', `localhost:${port}`);
  await system.apply(documents);

  const browser = await startBrowser(t);
  const url = `http://chat.localhost:${port}/`;
  const [ada, bob] = [await browser.newPage(), await browser.newPage()];
  // Not together: the first answer brings the cookie that leads both to the same room.
  await ada.goto(url);
  await bob.goto(url);
  const stateIs = (page: Page, pattern: RegExp) =>
    eventually(() => page.textContent('#state'), {
      what: `state ${pattern.source}`,
      until: (state) => pattern.test(state ?? ''),
    });
  const bothHear = (text: string) =>
    eventually(async () => (await Promise.all([ada, bob].map(messagesOf))).map((all) => all.at(-1)), {
      what: `both hear ${text}`,
      until: ([one, other]) => one === other && one?.endsWith(`: ${text}`) === true,
    });
  await Promise.all([ada, bob].map((page) => stateIs(page, /^connected$/)));
  await say(ada, 'hello Bob');
  const [heard] = await bothHear('hello Bob');
  assert.match(heard!, /^(red|blue): /);
  await say(bob, 'hello Ada');
  await bothHear('hello Ada');
  assert.deepEqual(new Set(rooms.map(({ people }) => people)), new Set([0, 2]));

  await system.apply([route('other', '/other', 'chat')]);
  await system.apply(documents.replace('pingInterval: 30s', 'pingInterval: 20s'));
  await say(ada, 'nothing has happened');
  await bothHear('nothing has happened');

  const { status } = await system.admin.call('DELETE', 'namespaces/default/routes/chat');
  assert.equal(status, 200);
  await Promise.all([ada, bob].map((page) => stateIs(page, /^closed with 1012: /)));
  assert.equal(
    (await refusedWebSocket(t, `ws://127.0.0.1:${port}/room`, { headers: { host: 'chat.localhost' } }))
      .status,
    404,
  );
  await system.apply(documents);
  await Promise.all([ada, bob].map((page) => stateIs(page, /^connected$/)));
  await say(bob, 'back again');
  await bothHear('back again');

  const stranger = await refusedWebSocket(t, `ws://127.0.0.1:${port}/room`, {
    headers: { host: 'chat.localhost' },
    origin: 'https://evil.example',
  });
  assert.equal(stranger.status, 403);
  const loud = await ada.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket('/room');
        socket.addEventListener('open', () => socket.send('x'.repeat(100_000)));
        socket.addEventListener('close', ({ code }) => resolve(code));
      }),
  );
  assert.equal(loud, 1009);
});
