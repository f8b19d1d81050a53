import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { jsonBytes, nestingMax } from './json-bytes.ts';

describe('jsonBytes', () => {
  it('is the length of the JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        assert.equal(jsonBytes(plain, Infinity), Buffer.byteLength(JSON.stringify(plain)));
      }),
    );
  });

  it('stops soon after the limit, however often parts refer to each other', () => {
    let value: unknown = 'x'.repeat(100);
    for (let level = 0; level < 30; level++) value = [value, value];
    const startedMs = performance.now();
    const bytes = jsonBytes(value, 10_000);
    assert.ok(bytes > 10_000 && bytes < 11_000, String(bytes));
    assert.ok(performance.now() - startedMs < 5000);
  });

  it('does not follow what is nested too deeply, or contains itself', () => {
    let value: unknown = 1;
    for (let level = 0; level < nestingMax; level++) value = [value];
    assert.ok(jsonBytes(value, Infinity) < Infinity);
    assert.equal(jsonBytes([value], Infinity), Infinity);
    const circle: unknown[] = [];
    circle.push(circle);
    assert.equal(jsonBytes(circle, 1e9), Infinity);
  });
});
