import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { HealthChecks } from '@causeway/runtime/health-checks';
import { createLogger } from '@causeway/runtime/logger';
import { MetricRegistry } from '@causeway/runtime/metrics';
import { createMetricsText } from '@causeway/runtime/metrics-text';
import { createStatusPages } from '@causeway/runtime/status-pages';
import type { Express } from 'express';
import { CommandChannels } from '../publish/command-channel.ts';
import { NodeRegistry } from '../publish/node-registry.ts';
import { Publisher } from '../publish/publisher.ts';
import { openWorld, tempDirectory } from '../testing/world.ts';
import { Tokens } from '../tokens.ts';
import { adminApp } from './app.ts';

/** An admin app on a port, and its token. */
async function served(t: TestContext, openStatus: boolean) {
  const world = await openWorld(t);
  const tokens = await Tokens.load(world.store, world.clock);
  const tokenFile = join(tempDirectory(t), 'admin.token');
  await tokens.ensureFile('admin', 'admin', tokenFile);
  const nodes = new NodeRegistry(world.clock, 60_000);
  const logger = createLogger({ level: 'error', write: () => {} });
  const app = adminApp(
    {
      ...world,
      tokens,
      nodes,
      commands: new CommandChannels(world.clock),
      ownAddresses: [],
      publisher: new Publisher({ ...world, nodes, logger }),
      logger,
      statusPages: createStatusPages({
        version: '1.0.0',
        readiness: new HealthChecks(),
        metrics: createMetricsText(() => new MetricRegistry().collect()),
      }),
      version: '1.0.0',
    },
    { allowedHosts: [], openStatus },
  );
  const server = createServer(app);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { app, url, token: readFileSync(tokenFile, 'utf8').trim() };
}

interface Layer {
  name: string;
  route?: { path: string };
}

const layersOf = (app: Express): Layer[] => (app.router as unknown as { stack: Layer[] }).stack;
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];

/** Every path that is mounted, with something in the place of parameters. */
const pathsOf = (app: Express): string[] => [
  ...new Set(layersOf(app).flatMap(({ route }) => (route ? [route.path.replaceAll(/:\w+/g, 'x')] : []))),
];

async function openPaths(app: Express, url: string, credential?: string): Promise<string[]> {
  const open: string[] = [];
  for (const path of [...pathsOf(app), '/', '/nothing/here', '/apis/causeway/v1/tokens'])
    for (const method of methods.filter((each) => each !== 'TRACE')) {
      const headers = credential === undefined ? {} : { authorization: credential };
      const { status, headers: answered } = await fetch(url + path, { method, headers });
      if (status !== 401) open.push(`${method} ${path}`);
      else assert.equal(answered.get('www-authenticate'), 'Bearer realm="causeway"');
    }
  return open.toSorted();
}

const both = (path: string): string[] => [`GET ${path}`, `HEAD ${path}`];
const always = [...both('/livez'), ...both('/readyz')].toSorted();
const onLoopback = [
  ...always,
  ...['/metrics', '/version', '/openapi.json', '/docs'].flatMap(both),
].toSorted();

describe('without a credential', () => {
  it('every path and method of the admin API is closed but the two health checks', async (t) => {
    const { app, url } = await served(t, false);
    assert.ok(pathsOf(app).length >= 20, 'the paths were found');
    assert.deepEqual(await openPaths(app, url), always);
  });

  it('metrics, version and documents are open where only this machine can ask', async (t) => {
    const { app, url } = await served(t, true);
    assert.deepEqual(await openPaths(app, url), onLoopback);
  });

  it('a wrong one opens nothing either', async (t) => {
    const { app, url, token } = await served(t, false);
    for (const wrong of ['Bearer cwt_wrong', `Basic ${token}`, `Bearer ${token}x`])
      assert.deepEqual(await openPaths(app, url, wrong), always);
  });

  it('nothing but the health checks is mounted before authentication', async (t) => {
    const { app } = await served(t, false);
    const layers = layersOf(app);
    const beforeToken = layers
      .slice(0, layers.findLastIndex(({ route }) => route && ['/livez', '/readyz'].includes(route.path)) + 1)
      .flatMap(({ route }) => (route ? [route.path] : []));
    assert.deepEqual(beforeToken, ['/livez', '/readyz']);
  });

  it('with the token every path answers', async (t) => {
    const { app, url, token } = await served(t, false);
    for (const path of pathsOf(app)) {
      const { status } = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
      assert.notEqual(status, 401, path);
    }
  });
});
