import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './eventually.ts';
import { openEventStream } from './event-stream.ts';
import { startEvents } from './upstreams/events.ts';

test('an event stream comes in the pieces in which it is sent, and means the same', async (t) => {
  const upstream = await startEvents(t);
  const stream = await openEventStream(t, `http://127.0.0.1:${upstream.port}/events?a=1`, {
    headers: { 'last-event-id': '7' },
  });
  assert.deepEqual([stream.status, stream.headers['content-type']], [200, 'text/event-stream']);
  const [open] = upstream.streams;
  assert.deepEqual([open?.target, open?.headers['last-event-id']], ['/events?a=1', '7']);
  await upstream.send('id: 1\nda');
  assert.equal(await stream.nextChunk(), 'id: 1\nda');
  await upstream.send('ta: x\ndata: y\n\n');
  assert.deepEqual(await stream.next(), { id: '1', data: 'x\ny' });
  await upstream.send('event: e\r\ndata\r\n\r\n: hello\n\nretry: 5\n\n');
  assert.deepEqual(await stream.next(), { event: 'e', data: '' });
  assert.deepEqual([await stream.next(), await stream.next()], [{ comment: 'hello' }, { retry: '5' }]);
  upstream.endAll();
  assert.equal(await stream.ended(), 'end');
  await eventually(() => upstream.streams.length === 0, { what: 'nothing is open' });
});

test('an event stream tells a cut, a status, and a client that has left', async (t) => {
  const upstream = await startEvents(t);
  const url = `http://127.0.0.1:${upstream.port}`;
  const cut = await openEventStream(t, `${url}/ndjson`);
  assert.equal(cut.headers['content-type'], 'application/x-ndjson');
  await upstream.send('{}\n');
  assert.equal(await cut.nextChunk(), '{}\n');
  upstream.destroyAll();
  assert.equal(await cut.ended(), 'cut');
  assert.equal((await openEventStream(t, `${url}/status/503`)).status, 503);
  const byClose = await openEventStream(t, `${url}/events?framing=close`);
  assert.deepEqual([byClose.headers['transfer-encoding'], byClose.headers.connection], [undefined, 'close']);
  byClose.leave();
  await eventually(() => upstream.streams.length === 0, { what: 'the upstream sees that it has left' });
});

test('an upstream counts by itself, from where it is told', async (t) => {
  const upstream = await startEvents(t);
  const url = `http://127.0.0.1:${upstream.port}/count?everyMs=5`;
  const stream = await openEventStream(t, url, { headers: { 'last-event-id': '41' } });
  assert.deepEqual(await stream.next(), { id: '42', data: '42' });
  assert.deepEqual(await stream.next(), { id: '43', data: '43' });
});
