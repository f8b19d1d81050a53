import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shortBytes } from './short-bytes.ts';

describe('shortBytes', () => {
  const cases: [number, string][] = [
    [0, '0B'],
    [999, '999B'],
    [1000, '1KiB'],
    [1536, '1.5KiB'],
    [10_189, '10KiB'],
    [65_536, '64KiB'],
    [1_023_000, '999KiB'],
    [1_048_000, '1MiB'],
    [5_200_000_000, '4.8GiB'],
    [2 ** 53, '8192TiB'],
  ];
  for (const [bytes, text] of cases)
    it(`writes ${bytes} as ${text}`, () => assert.equal(shortBytes(bytes), text));
});
