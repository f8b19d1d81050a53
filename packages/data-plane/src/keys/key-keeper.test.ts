import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { KeySetChange } from '@causeway/filters/jwt/key-sets';
import { testIssuer } from '@causeway/filters/testing/tokens';
import { CompiledAuthProviderSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import { systemClock } from '@causeway/runtime/clock';
import { createLogger } from '@causeway/runtime/logger';
import { NameResolver } from '@causeway/runtime/name-resolver';

import type { SnapshotUpdate } from '../sync/snapshot-target.ts';
import { until } from '../testing/http-client.ts';
import { listenRaw } from '../testing/raw-upstream.ts';
import { KeptKeys } from './kept-keys.ts';
import { KeyKeeper } from './key-keeper.ts';

const { jwks } = await testIssuer();
const other = await testIssuer();
const refresh = { intervalMs: 3_600_000, cooldownMs: 60_000, timeoutMs: 2000 };

interface Kept {
  readonly keeper: KeyKeeper;
  readonly changes: KeySetChange[];
  readonly lines: string[];
}

function start(context: TestContext, options: { kept?: KeptKeys; ownPort?: number } = {}): Kept {
  const changes: KeySetChange[] = [];
  const lines: string[] = [];
  const resolver = new NameResolver({ clock: systemClock });
  const keeper = new KeyKeeper({
    clock: systemClock,
    logger: createLogger({ level: 'info', write: (line) => lines.push(line) }),
    resolver,
    ownPorts: { has: (port) => port === options.ownPort },
    onChange: (change) => changes.push(change),
    kept: options.kept,
  });
  context.after(() => {
    keeper.stop();
    resolver.close();
  });
  return { keeper, changes, lines };
}

type Provider = MessageInitShape<typeof CompiledAuthProviderSchema>;

function update(...providers: Provider[]): SnapshotUpdate {
  const changed = providers.map((provider) => {
    const value = create(CompiledAuthProviderSchema, {
      name: 'default/corp',
      refresh,
      ...provider,
    } as Provider);
    return { kind: 'authprovider' as const, key: `authprovider/${value.name}`, value };
  });
  return {
    revision: 1,
    items: SnapshotItems.empty,
    endpoints: new Map(),
    changed,
    removedKeys: [],
  };
}

async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listenRaw(context, createServer(listener))}`;
}

const at = (url: string): Provider => ({ keys: { case: 'jwksUrl', value: url } });
const found = ({ changes }: Kept): string[] => changes.map((change) => change.jwks);

describe('keys of issuers', () => {
  it('are there when an update with a new provider goes on', async (context) => {
    const url = await serve(context, (_request, response) => response.end(jwks));
    const kept = start(context);
    await kept.keeper.prepare(update(at(url)));
    assert.deepEqual(found(kept), [jwks]);
    await kept.keeper.prepare(update(at(url)));
    assert.equal(kept.changes.length, 1, 'nothing has changed');
  });

  it("are found by the metadata of the issuer, and by nobody else's", async (context) => {
    const said: { issuer?: string } = {};
    const url: string = await serve(context, (request, response) =>
      response.end(
        request.url === '/keys' ? jwks : JSON.stringify({ issuer: said.issuer, jwks_uri: `${url}/keys` }),
      ),
    );
    said.issuer = url;
    const place = { case: 'discoveryUrl' as const, value: `${url}/.well-known/openid-configuration` };
    const good = start(context);
    await good.keeper.prepare(update({ issuer: url, keys: place }));
    assert.deepEqual(found(good), [jwks]);
    const bad = start(context);
    await bad.keeper.prepare(update({ issuer: `${url}/other`, keys: place }));
    assert.deepEqual(found(bad), []);
    assert.match(bad.lines.join(''), /there are none: the metadata is that of another issuer/);
  });

  const broken: [string, RequestListener, RegExp][] = [
    ['an answer that is an error', (_request, response) => response.writeHead(500).end(jwks), /status 500/],
    ['a redirect', (_request, response) => response.writeHead(302, { location: '/x' }).end(), /status 302/],
    ['what is no JSON', (_request, response) => response.end('<html>'), /not valid JSON/],
    ['what is no set of keys', (_request, response) => response.end('{"keys":5}'), /not a JWK Set/],
    [
      'an answer that never ends',
      (_request, response) => void response.write('{'),
      /no answer within 300 ms/,
    ],
    [
      'an answer that is too large',
      (_request, response) => response.end(' '.repeat(300_000)),
      /larger than 262144 bytes/,
    ],
  ];
  for (const [what, listener, detail] of broken)
    it(`are not ${what}`, async (context) => {
      const kept = start(context);
      const keys = { case: 'jwksUrl' as const, value: await serve(context, listener) };
      await kept.keeper.prepare(update({ keys, refresh: { ...refresh, timeoutMs: 300 } }));
      assert.deepEqual(found(kept), []);
      assert.match(kept.lines.join(''), detail);
    });

  it('are asked neither from this node itself nor from metadata services', async (context) => {
    const url = await serve(context, (_request, response) => response.end(jwks));
    const own = start(context, { ownPort: Number(new URL(url).port) });
    await own.keeper.prepare(update(at(url)));
    assert.match(own.lines.join(''), /Causeway itself/);
    const metadata = start(context);
    await metadata.keeper.prepare(update(at('https://169.254.169.254/keys')));
    assert.match(metadata.lines.join(''), /metadata service/);
    assert.deepEqual([...found(own), ...found(metadata)], []);
  });

  it('are fetched anew when a token asks for them, once in a cool-down', async (context) => {
    let fetches = 0;
    const url = await serve(context, (_request, response) => {
      fetches += 1;
      response.end(fetches === 1 ? jwks : other.jwks);
    });
    const kept = start(context);
    await kept.keeper.prepare(update(at(url)));
    const { source } = kept.changes[0]!;
    await Promise.all(Array.from({ length: 100 }, () => kept.keeper.refresh(source)));
    await kept.keeper.refresh(source);
    assert.equal(fetches, 2);
    assert.deepEqual(found(kept), [jwks, other.jwks]);
    await kept.keeper.refresh('another');
  });

  it('are kept for a node that begins while their issuer is away', async (context) => {
    const directory = mkdtempSync(join(tmpdir(), 'causeway-keys-'));
    context.after(() => rmSync(directory, { recursive: true, force: true }));
    const path = join(directory, 'keys.json');
    const logger = createLogger({ level: 'silent' as never });
    let isAway = false;
    const url = await serve(
      context,
      (_request, response) => void (isAway ? response.writeHead(503).end() : response.end(jwks)),
    );
    const first = start(context, { kept: new KeptKeys(path, logger) });
    await first.keeper.prepare(update(at(url)));
    await until('they are on disk', () => readFileSync(path, 'utf8').includes('kid'));
    isAway = true;
    const second = start(context, { kept: new KeptKeys(path, logger) });
    await second.keeper.prepare(update(at(url)));
    assert.deepEqual(found(second), [jwks]);
    assert.deepEqual(
      second.keeper.keySets.map((each) => each.jwks),
      [jwks],
    );
    // Those of one place are not those of another.
    const moved = start(context, { kept: new KeptKeys(path, logger) });
    await moved.keeper.prepare(update(at(`${url}/new`)));
    assert.deepEqual(found(moved), []);
  });
});
