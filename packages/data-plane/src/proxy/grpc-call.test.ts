import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { status } from '@grpc/grpc-js';

import { GrpcCall, grpcTrailers, MessageMeter } from './grpc-call.ts';
import { reasons } from './reasons.ts';

describe('calls by gRPC', () => {
  const timeouts: [text: string | undefined, ms: number | undefined, isWellFormed: boolean][] = [
    [undefined, undefined, true],
    ['1H', 3_600_000, true],
    ['2M', 120_000, true],
    ['3S', 3000, true],
    ['400m', 400, true],
    ['5000u', 5, true],
    ['6000000n', 6, true],
    ['0m', 0, true],
    ['99999999H', 99_999_999 * 3_600_000, true],
    ['100000000m', undefined, false],
    ['1', undefined, false],
    ['1s', undefined, false],
    ['-1S', undefined, false],
    ['', undefined, false],
  ];
  for (const [text, ms, isWellFormed] of timeouts)
    it(`have a timeout of ${ms} ms by ${text}`, () => {
      const call = new GrpcCall('native', text);
      assert.deepEqual([call.timeoutMs, call.isWellFormed], [ms, isWellFormed]);
    });

  it('are told what is printable ASCII, the rest percent-encoded', () => {
    assert.deepEqual(grpcTrailers('forbidden', 'Nö: 100 %\n'), [
      'grpc-status',
      '7',
      'grpc-message',
      'forbidden: N%C3%B6: 100 %25%0A',
    ]);
    assert.equal(grpcTrailers('internal', 'x'.repeat(5000))[3]!.length, 1024);
  });

  it('have messages up to their limit, however they are cut', () => {
    const message = (length: number): number[] => [
      0,
      0,
      0,
      length >> 8,
      length & 255,
      ...Array(length).fill(7),
    ];
    const bytes = Uint8Array.from([...message(300), ...message(0), ...message(1), ...message(300)]);
    for (const step of [1, 2, 5, 7, 300, 1000]) {
      const passes = (bytesMax: number): boolean => {
        const meter = new MessageMeter(bytesMax);
        for (let at = 0; at < bytes.length; at += step)
          if (!meter.pass(bytes.subarray(at, at + step))) return false;
        return true;
      };
      assert.deepEqual([passes(300), passes(299)], [true, false]);
    }
    assert.equal(new MessageMeter(4_294_967_294).pass(Uint8Array.from([1, 255, 255, 255, 255])), false);
  });

  it('are answered as docs/grpc.md says', () => {
    const codeNames = new Map(Object.entries(status).map(([name, code]) => [Number(code), name]));
    const rows = Object.entries(reasons)
      .toSorted(([, one], [, other]) => one.status - other.status)
      .map(
        ([reason, { status: http, grpc }]) => `| \`${reason}\` | ${http} | ${grpc} ${codeNames.get(grpc)} |`,
      );
    const page = readFileSync(new URL('../../../../docs/grpc.md', import.meta.url), 'utf8');
    assert.equal(page.slice(page.indexOf('|---|---|---|\n') + 14), `${rows.join('\n')}\n`);
  });
});
