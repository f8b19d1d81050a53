import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { status } from '@grpc/grpc-js';

import { GrpcCall, grpcTrailers } from './grpc-call.ts';
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

  it('are not told of their end within a message, where it would be a part of it', () => {
    for (const form of ['web', 'webText'] as const) {
      const call = new GrpcCall(form, undefined);
      assert.equal(call.endingOf('upstream_reset'), undefined);
      call.translate({});
      call.limit(0);
      const ending = call.endingOf('upstream_reset');
      const bytes = ending !== undefined && 'bytes' in ending ? ending.bytes.toString('latin1') : '';
      const frame = Buffer.from(bytes, form === 'web' ? 'latin1' : 'base64').toString('latin1');
      assert.match(frame, /^\x80.{4}grpc-status: 14\r\ngrpc-message: upstream_reset: /s);
      call.receive(Buffer.from([0, 0, 0, 0, 2, 7]));
      assert.equal(call.endingOf('upstream_reset'), undefined);
      call.receive(Buffer.from([7]));
      assert.deepEqual(call.endingOf('upstream_reset'), ending);
    }
    const limited = new GrpcCall('web', undefined);
    limited.translate({});
    limited.limit(1);
    assert.equal(limited.receive(Buffer.from([0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 2])), false);
    // Nothing of that chunk has gone out.
    assert.ok(limited.endingOf('payload_too_large'));
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
