import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';

import { fieldValue } from '../fields.ts';
import { takesBody } from '../filter.ts';
import { FilterChain } from '../filter-chain.ts';
import { FakeOwner, outcome } from '../testing/fake-owner.ts';
import { chooseEncoding, type Encoding } from './accept-encoding.ts';
import { CompressFilter, type CompressSettings } from './compress.ts';

const all: readonly Encoding[] = ['zstd', 'br', 'gzip'];
const settings: CompressSettings = { encodings: all, bytesMin: 1024, types: ['text/*', 'application/json'] };

describe('chooseEncoding', () => {
  const cases: [string | undefined, Encoding | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, br, zstd', 'zstd'],
    ['gzip;q=1.0, br;q=0.8', 'gzip'],
    ['GZIP ; Q=0.5', 'gzip'],
    ['*', 'zstd'],
    ['*;q=0, gzip', 'gzip'],
    ['zstd;q=0, *', 'br'],
    ['identity, gzip;q=0.5', undefined],
    ['identity;q=0.5, gzip;q=0.5', 'gzip'],
    ['gzip;q=0', undefined],
    ['gzip;q=nonsense', undefined],
    ['deflate', undefined],
    [`${'a,'.repeat(10_000)}gzip`, undefined],
  ];
  for (const [accept, encoding] of cases)
    it(`takes ${encoding ?? 'nothing'} of ${JSON.stringify(accept)?.slice(0, 40)}`, () => {
      assert.equal(chooseEncoding(accept, all), encoding);
    });
});

function answer(accept: string | undefined, fields: string[], bytes?: number): FakeOwner {
  const owner = new FakeOwner(new FilterChain([]));
  if (accept !== undefined) owner.headers.set('accept-encoding', accept);
  owner.responseStatus = 200;
  owner.responseFields = fields;
  owner.responseBytes = bytes;
  return owner;
}

describe('compress', () => {
  const filter = new CompressFilter('compress', settings);
  const text = ['Content-Type', 'text/html; charset=utf-8'];
  const decoders = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync };

  for (const encoding of all)
    it(`sends ${encoding} that reads back as it was, chunk by chunk`, async () => {
      const owner = answer(encoding, [...text, 'ETag', '"1"', 'Accept-Ranges', 'bytes'], 300_000);
      const state = filter.createState();
      assert.equal(filter.onResponseHead(owner, state), takesBody);
      assert.deepEqual(owner.responseFields, [
        ...text,
        'vary',
        'accept-encoding',
        'content-encoding',
        encoding,
        'etag',
        'W/"1"',
      ]);
      const chunks = Array.from({ length: 30 }, (_, n) => Buffer.from(`${n} `.repeat(5000)));
      const made: Uint8Array[] = [];
      for (const chunk of chunks)
        made.push((await filter.onResponseChunk(chunk, owner, state)) ?? Buffer.alloc(0));
      made.push((await filter.onResponseEnd(owner, state)) ?? Buffer.alloc(0));
      const whole = Buffer.concat(made);
      assert.deepEqual(decoders[encoding](whole), Buffer.concat(chunks));
      assert.ok(whole.length < 30_000, `${whole.length} bytes`);
      filter.onEnd(owner, outcome, state);
    });

  const untouched: [string, FakeOwner][] = [
    ['what is encoded already', answer('gzip', [...text, 'content-encoding', 'br'])],
    ['what may not be changed', answer('gzip', [...text, 'cache-control', 'public, No-Transform'])],
    ['event streams', answer('gzip', ['content-type', 'text/event-stream'])],
    ['lines of JSON', answer('gzip', ['content-type', 'application/x-ndjson'])],
    ['gRPC', answer('gzip', ['content-type', 'application/grpc+proto'])],
    ['images', answer('gzip', ['content-type', 'image/png'])],
    ['what has no type', answer('gzip', [])],
    ['small bodies', answer('gzip', [...text], 1023)],
  ];
  for (const [what, owner] of untouched)
    it(`leaves ${what} alone`, () => {
      const before = [...owner.responseFields];
      assert.equal(filter.onResponseHead(owner, filter.createState()), undefined);
      assert.deepEqual(owner.responseFields, before);
    });

  it('leaves parts, empty answers and other protocols alone', () => {
    for (const status of [101, 204, 205, 206]) {
      const owner = answer('gzip', [...text]);
      owner.responseStatus = status;
      assert.equal(filter.onResponseHead(owner, filter.createState()), undefined, String(status));
      assert.equal(fieldValue(owner.responseFields, 'vary'), undefined);
    }
  });

  it('says of a 304 what it said of the answer that the client has', () => {
    const tagOf = (known: string, tag: string): string | undefined => {
      const owner = answer('gzip', ['ETag', tag]);
      owner.responseStatus = 304;
      owner.headers.set('if-none-match', known);
      assert.equal(filter.onResponseHead(owner, filter.createState()), undefined);
      assert.equal(fieldValue(owner.responseFields, 'vary'), 'accept-encoding');
      return fieldValue(owner.responseFields, 'etag');
    };
    assert.equal(tagOf('"0", W/"1"', '"1"'), 'W/"1"');
    assert.equal(tagOf('"1"', '"1"'), '"1"');
    assert.equal(tagOf('W/"1"', 'W/"1"'), 'W/"1"');
  });

  it('tells caches that the answer depends on the client, also where it goes out as it is', () => {
    const plain = answer(undefined, [...text, 'Vary', 'Origin']);
    assert.equal(filter.onResponseHead(plain, filter.createState()), undefined);
    assert.equal(fieldValue(plain.responseFields, 'vary'), 'Origin, accept-encoding');
    for (const vary of ['*', 'Accept-Encoding', 'origin,ACCEPT-ENCODING']) {
      const owner = answer(undefined, [...text, 'vary', vary]);
      filter.onResponseHead(owner, filter.createState());
      assert.equal(fieldValue(owner.responseFields, 'vary'), vary);
    }
    const head = answer('gzip', [...text]);
    head.method = 'HEAD';
    assert.equal(filter.onResponseHead(head, filter.createState()), undefined);
  });

  it('reads fields that stand on several lines', () => {
    const owner = answer('gzip', [...text, 'Vary', 'Cookie', 'Vary', 'X-User']);
    filter.onResponseHead(owner, filter.createState());
    assert.equal(fieldValue(owner.responseFields, 'vary'), 'Cookie, X-User, accept-encoding');
    const lines = [...text, 'cache-control', 'public', 'cache-control', 'no-transform'];
    assert.equal(filter.onResponseHead(answer('gzip', lines), filter.createState()), undefined);
  });

  it('lets go of what it began when the client goes', async () => {
    const owner = answer('gzip', [...text]);
    const state = filter.createState();
    filter.onResponseHead(owner, state);
    await filter.onResponseChunk(Buffer.alloc(1000), owner, state);
    filter.onEnd(owner, outcome, state);
    await assert.rejects(async () => filter.onResponseChunk(Buffer.alloc(1000), owner, state));
  });
});
