import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { HealthChecks } from './health-checks.ts';
import { createStatusPages, statusPaths } from './status-pages.ts';

describe('status pages', () => {
  const readiness = new HealthChecks();
  let tableProblem: string | undefined = 'no table yet';
  readiness.set('stream', () => undefined);
  readiness.set('table', () => tableProblem);
  const pages = createStatusPages({
    version: '1.2.3',
    readiness,
    metrics: async (accept) => ({ contentType: 'text/plain', body: `for ${accept}` }),
  });
  const page = async (target: string, accept?: string): Promise<[number, string] | undefined> => {
    const answer = await pages({ target, accept });
    return answer && [answer.status, answer.body];
  };

  it('tell every failing check with its reason, and 503, until all are well', async () => {
    tableProblem = 'no table yet';
    assert.deepEqual(await page('/readyz'), [
      503,
      '[+]stream ok\n[-]table failed: no table yet\nreadyz check failed\n',
    ]);
    tableProblem = undefined;
    assert.deepEqual(await page('/readyz'), [200, 'ok\n']);
    assert.deepEqual(await page('/readyz?verbose'), [
      200,
      '[+]stream ok\n[+]table ok\nreadyz check passed\n',
    ]);
    assert.deepEqual(await page('/readyz?verbose=1&x=2'), await page('/readyz?verbose'));
  });

  it('say alive also when not ready', async () => {
    tableProblem = 'gone';
    assert.deepEqual(await page('/livez'), [200, 'ok\n']);
  });

  it('replace a check of the same name', () => {
    const checks = new HealthChecks();
    checks.set('a', () => 'bad');
    checks.set('a', () => undefined);
    assert.deepEqual(checks.report(), { ok: true, lines: ['[+]a ok'] });
  });

  it('tell the version, and hand the Accept header to the metrics', async () => {
    assert.deepEqual(await page('/version'), [
      200,
      `{"version":"1.2.3","node":"${process.versions.node}"}\n`,
    ]);
    assert.deepEqual(await page('/metrics', 'text/plain'), [200, 'for text/plain']);
  });

  it('answer their own paths alone', async () => {
    for (const path of statusPaths) assert.ok(await pages({ target: path }), path);
    for (const path of ['/', '/readyz/', '/LIVEZ', '/metrics2', ''])
      assert.equal(await pages({ target: path }), undefined);
  });
});
