import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { requestBodyLength, responseBodyLength } from './framing.ts';

const reasonOf = (headers: string[], version = '1.1'): unknown => {
  const length = requestBodyLength(headers, version);
  return typeof length === 'object' ? length.reason : length;
};

describe('requestBodyLength', () => {
  it('reads one length, or chunked, or neither', () => {
    assert.equal(reasonOf([]), 0);
    assert.equal(reasonOf(['Content-Length', '010']), 10);
    assert.equal(reasonOf(['transfer-encoding', 'Chunked']), 'unknown');
  });

  it('answers 400 to lengths that are not one decimal number', () => {
    for (const value of ['', '+1', '-1', '1,1', '0x1', '1 ', '9'.repeat(16)])
      assert.equal(reasonOf(['content-length', value]), 'bad_request', value);
    assert.equal(reasonOf(['content-length', '1', 'Content-Length', '1']), 'bad_request');
  });

  it('answers 501 to codings that it does not know, and 400 to every other fault of Transfer-Encoding', () => {
    assert.equal(reasonOf(['transfer-encoding', 'gzip, chunked']), 'not_implemented');
    assert.equal(reasonOf(['transfer-encoding', 'gzip', 'transfer-encoding', 'chunked']), 'not_implemented');
    for (const value of ['', ',chunked', 'chunked,', 'chunked, chunked', 'gzip', 'chunked, gzip', 'xchunked'])
      assert.equal(reasonOf(['transfer-encoding', value]), 'bad_request', value);
    assert.equal(reasonOf(['transfer-encoding', 'chunked', 'content-length', '1']), 'bad_request');
    assert.equal(reasonOf(['transfer-encoding', 'chunked'], '1.0'), 'bad_request');
  });
});

describe('responseBodyLength', () => {
  it('is undefined where the head contradicts itself', () => {
    assert.equal(responseBodyLength(['content-length', '3']), 3);
    assert.equal(responseBodyLength(['transfer-encoding', 'chunked']), 'unknown');
    assert.equal(responseBodyLength([]), 'unknown');
    for (const headers of [
      ['content-length', '3', 'content-length', '3'],
      ['content-length', 'x'],
      ['content-length', '3', 'transfer-encoding', 'chunked'],
      ['transfer-encoding', 'gzip, chunked'],
    ])
      assert.equal(responseBodyLength(headers), undefined);
  });
});
