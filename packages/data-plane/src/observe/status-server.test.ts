import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HealthChecks } from '@causeway/runtime/health-checks';
import { createLogger } from '@causeway/runtime/logger';
import { createStatusPages } from '@causeway/runtime/status-pages';

import { ask } from '../testing/http-client.ts';
import { startStatusServer } from './status-server.ts';

describe('status listener', () => {
  it('serves its pages to GET and HEAD, and says what else there is', async (context) => {
    const readiness = new HealthChecks();
    let isReady = false;
    readiness.set('table', () => (isReady ? undefined : 'no configuration yet'));
    const metrics = async () => ({ contentType: 'text/plain', body: 'm 1\n' });
    const pages = createStatusPages({ version: '1.2.3', readiness, metrics });
    const logger = createLogger({ level: 'error' });
    const server = await startStatusServer({ address: { host: '127.0.0.1', port: 0 }, pages, logger });
    context.after(() => server.close());
    const { port } = server;
    assert.equal((await ask({ port, path: '/livez' })).body, 'ok\n');
    assert.equal((await ask({ port, path: '/readyz' })).status, 503);
    isReady = true;
    assert.match((await ask({ port, path: '/readyz?verbose' })).body, /\[\+\]table ok/);
    assert.equal((await ask({ port, path: '/metrics' })).body, 'm 1\n');
    assert.match((await ask({ port, path: '/version' })).body, /"version":"1.2.3"/);
    assert.equal((await ask({ port, path: '/livez', method: 'HEAD' })).body, '');
    const missing = await ask({ port, path: '/config' });
    assert.deepEqual(
      [missing.status, missing.body],
      [404, 'Not found. There are /livez, /readyz, /metrics, /version.\n'],
    );
    const posted = await ask({ port, path: '/livez', method: 'POST' });
    assert.deepEqual([posted.status, posted.headers.allow], [405, 'GET, HEAD']);
    await assert.rejects(
      startStatusServer({ address: { host: '127.0.0.1', port }, pages, logger }),
      /in use by another process.*--status-addr/,
    );
  });
});
