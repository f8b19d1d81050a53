import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';

import { callStatus, httpStatusOf } from './grpc-status.ts';

const statusOf = (fields: Readonly<Record<string, string>>) => callStatus((name) => fields[name]);

describe('the status of a call', () => {
  it('is told as docs/transcoding.md says', () => {
    const page = readFileSync(new URL('../../../docs/transcoding.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| (\d+) [A-Z_]+ \| (\d+) \|$/gm)];
    assert.equal(rows.length, 17);
    for (const [, code, status] of rows)
      assert.equal(httpStatusOf(Number(code)), Number(status), String(code));
    assert.equal(httpStatusOf(17), 500);
  });

  it('is read of fields', () => {
    assert.equal(statusOf({}), undefined);
    assert.deepEqual(statusOf({ 'grpc-status': '5', 'grpc-message': 'a%20%C3%A9 100% \u00c3\u00a9' }), {
      code: 5,
      message: 'a é 100% é',
      details: undefined,
    });
    for (const code of ['', 'x', '-1', '1234']) assert.equal(statusOf({ 'grpc-status': code })?.code, 2);
  });
});
