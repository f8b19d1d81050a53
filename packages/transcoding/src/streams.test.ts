import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';

import { TranscodingFault } from './fault.ts';
import { MessageSplitter, messagePrefix } from './grpc-messages.ts';
import { JsonElements } from './json-elements.ts';

/** All ways of cutting. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [
    0,
    ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b),
    bytes.length,
  ];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}
const places = fc.array(fc.nat(), { maxLength: 6 });

function elements(form: 'lines' | 'array', chunks: readonly Buffer[], bytesMax = 100): string[] {
  const found = new JsonElements(form, bytesMax);
  const texts = chunks.flatMap((chunk) => found.push(chunk));
  const last = found.end();
  return last === undefined ? texts : [...texts, last];
}

describe('documents of a stream', () => {
  it('are the items of an array, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 2 })), fc.nat(2), places, (items, indent, at) => {
        const chunks = cut(Buffer.from(JSON.stringify(items, null, indent)), at);
        assert.deepEqual(
          elements('array', chunks, 100_000).map((text) => JSON.parse(text) as unknown),
          JSON.parse(JSON.stringify(items)),
        );
      }),
    );
  });

  it('are lines', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 2 })), fc.boolean(), places, (items, endsLine, at) => {
        const text = items.map((item) => JSON.stringify(item)).join('\r\n') + (endsLine ? '\n\n' : '');
        assert.deepEqual(
          elements('lines', cut(Buffer.from(text), at), 100_000).map((line) => JSON.parse(line) as unknown),
          JSON.parse(JSON.stringify(items)),
        );
      }),
    );
  });

  it('is one where there is no array', () => {
    assert.deepEqual(elements('array', [Buffer.from(' {"a":'), Buffer.from('[1,2]} ')]), ['{"a":[1,2]} ']);
    assert.deepEqual(elements('array', []), []);
    assert.deepEqual(elements('array', [Buffer.from('[ ]\n')]), []);
  });

  for (const text of ['[1', '[1,', '[1,]', '[,1]', '[1]2', '[1]]', '[1}', '["', '["\\"]', '[[]'])
    it(`are refused in ${text}`, () => {
      assert.throws(() => elements('array', [Buffer.from(text)]), TranscodingFault);
    });

  it('may be as long as is said, and no longer', () => {
    assert.deepEqual(elements('lines', [Buffer.from('12345\n12345')], 5), ['12345', '12345']);
    assert.throws(() => elements('lines', [Buffer.from('12345'), Buffer.from('6')], 5), TranscodingFault);
    assert.throws(() => elements('array', [Buffer.from('["12345')], 5), TranscodingFault);
    assert.throws(() => elements('array', [Buffer.from('123456')], 5), TranscodingFault);
  });
});

describe('messages of a stream', () => {
  it('are those that were written, however they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), places, (messages, at) => {
        const bytes = Buffer.concat(messages.flatMap((message) => [messagePrefix(message.length), message]));
        const splitter = new MessageSplitter(20);
        const found = cut(bytes, at).flatMap((chunk) => splitter.push(chunk));
        assert.deepEqual(
          found.map((message) => [...message]),
          messages.map((message) => [...message]),
        );
        assert.ok(splitter.isAtEnd);
      }),
    );
  });

  it('are refused when they are too long or compressed, and known to be cut', () => {
    assert.throws(() => new MessageSplitter(4).push(messagePrefix(5)), TranscodingFault);
    assert.throws(() => new MessageSplitter(4).push(Buffer.from([1, 0, 0, 0, 0])), TranscodingFault);
    for (const bytes of [[0], [0, 0, 0, 0, 2, 7]]) {
      const splitter = new MessageSplitter(4);
      assert.deepEqual(splitter.push(Buffer.from(bytes)), []);
      assert.equal(splitter.isAtEnd, false);
    }
  });
});
