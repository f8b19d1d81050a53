import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';

import { Base64Segments } from './base64-segments.ts';

const decode = (...pieces: string[]): string | undefined => {
  const segments = new Base64Segments();
  const bytes = pieces.map((piece) => segments.decode(Buffer.from(piece)));
  const whole = bytes.every((each) => each !== undefined) && segments.isWhole;
  return whole ? Buffer.concat(bytes).toString() : undefined;
};

describe('base64 in segments', () => {
  it('may be padded and cut anywhere', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 20 })),
        fc.integer({ min: 1, max: 9 }),
        (parts, step) => {
          const text = parts.map((part) => Buffer.from(part).toString('base64')).join('');
          const segments = new Base64Segments();
          const bytes: Buffer[] = [];
          for (let at = 0; at < text.length; at += step)
            bytes.push(segments.decode(Buffer.from(text.slice(at, at + step)))!);
          assert.deepEqual(Buffer.concat(bytes), Buffer.concat(parts));
          assert.ok(segments.isWhole);
        },
      ),
    );
  });

  it('is of nothing else', () => {
    assert.equal(decode('YQ==', 'Yg', '==Y', 'w=='), 'abc');
    assert.equal(decode(''), '');
    for (const text of ['YQ', 'Y===', '====', 'YQ=Y', 'YQ==YQ', 'YW-_', 'YQ==\r\nYg==', ' YQ=', 'YWJj=YWJ'])
      assert.equal(decode(text), undefined, text);
  });
});
