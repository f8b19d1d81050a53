// Compression as clients meet it: bodies that read back as they were, and streams that nobody holds up.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { it } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { request } from 'undici';
import { startSystem } from '../../kit/processes.ts';
import { rawConnect } from '../../kit/raw-client.ts';
import { gateway, route, service } from '../../kit/resources.ts';
import { listen } from '../../kit/upstreams/listen.ts';

const decoders = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

it('compress makes text smaller and leaves streams alone', async (t) => {
  const text = 'all work and no play makes a dull boy. '.repeat(20_000);
  const upstream = createServer((incoming, response) => {
    if (incoming.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/plain', etag: '"v1"', 'content-length': text.length });
    response.end(incoming.method === 'HEAD' ? undefined : text);
  });
  const port = await listen(t, upstream);
  const { nodes } = await startSystem(t, {
    resources: [
      gateway({ filters: [{ compress: {} }] }),
      service('texts', [port]),
      route('texts', '/', 'texts'),
      {
        kind: 'Route',
        metadata: { name: 'own' },
        spec: {
          matches: [{ path: { prefix: '/own' } }],
          filters: [{ respond: { body: text.slice(0, 5000) } }],
        },
      },
    ],
  });
  const traffic = await nodes[0]!.trafficPort();
  const ask = (path: string, accept: string) =>
    request(`http://127.0.0.1:${traffic}${path}`, { headers: { 'accept-encoding': accept } });

  for (const [encoding, decode] of Object.entries(decoders)) {
    const { headers, body } = await ask('/', encoding);
    const bytes = Buffer.from(await body.arrayBuffer());
    assert.deepEqual(
      [headers['content-encoding'], headers['vary'], headers['etag'], headers['content-length']],
      [encoding, 'accept-encoding', 'W/"v1"', undefined],
    );
    assert.ok(bytes.length < text.length / 50, `${encoding}: ${bytes.length} of ${text.length}`);
    assert.equal(decode(bytes).toString(), text);
  }
  const plain = await ask('/', 'identity');
  assert.deepEqual([plain.headers['content-encoding'], await plain.body.text()], [undefined, text]);
  const own = await ask('/own', 'br');
  assert.equal(
    brotliDecompressSync(Buffer.from(await own.body.arrayBuffer())).toString(),
    text.slice(0, 5000),
  );

  const client = await rawConnect(t, traffic);
  await client.send('GET /events HTTP/1.1\r\nhost: a.test\r\naccept-encoding: gzip, br\r\n\r\n');
  await client.expect('data: 1\n\n');
});
