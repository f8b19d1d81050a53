// Logins at a real OpenID provider: a browser that keeps cookies, two nodes, and an application behind them.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CookieBrowser, type Page } from '../../kit/cookie-browser.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { type Echo, startEcho } from '../../kit/upstreams/echo.ts';
import { type OpenIdProvider, startOpenIdProvider } from '../../kit/upstreams/openid-provider.ts';

const resource = (kind: string, name: string, spec: object): Resource => ({ kind, metadata: { name }, spec });
const app = 'http://app.test';

describe('oidc', () => {
  const scope = new OwnScope();
  let system: System;
  let provider: OpenIdProvider;
  let hosts: Record<string, string>[];

  before(async () => {
    const echo = await startEcho(scope);
    system = await startSystem(scope, { nodes: ['edge-1', 'edge-2'], resources: [gateway()] });
    provider = await startOpenIdProvider(scope, [
      { id: 'shop', secret: 'a secret: with signs%', redirectUris: [`${app}/.causeway/callback`] },
    ]);
    const { issuer } = provider;
    await system.apply([
      service('echo', [echo.port]),
      resource('Secret', 'login', { data: { secret: 'a secret: with signs%' } }),
      resource('AuthProvider', 'corp', {
        issuer,
        audiences: ['shop'],
        clientId: 'shop',
        clientSecret: { secret: 'login', key: 'secret' },
        claimHeaders: { 'x-user': 'sub', 'x-name': 'name' },
      }),
      route('app', '/', 'echo', {
        hosts: ['app.test'],
        filters: [
          { oidc: { provider: 'corp', scopes: ['openid', 'profile', 'orders'], forwardToken: true } },
        ],
      }),
    ]);
    const urls = await Promise.all(system.nodes.map((node) => node.trafficUrl()));
    hosts = urls.map((url) => ({ 'app.test': url }));
  });
  after(() => scope.end());

  const browser = (node = 0): CookieBrowser => new CookieBrowser(hosts[node]!);
  const echoOf = (page: Page): Echo => {
    assert.equal(page.status, 200, `${page.url} ${page.body}`);
    return JSON.parse(page.body) as Echo;
  };
  const headersOf = ({ headers }: Echo): Record<string, string> =>
    Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));

  it('logs in who navigates, and brings him to where he wanted to go', async () => {
    const user = browser();
    const page = await user.navigate(`${app}/orders?a=1&b=%20x&a=2`);
    const seen = echoOf(page);
    assert.equal(seen.target, '/orders?a=1&b=%20x&a=2');
    const headers = headersOf(seen);
    assert.equal(headers['x-user'], 'alice');
    assert.match(headers['authorization'] ?? '', /^Bearer [!-~]+$/);
    assert.equal(headers['cookie'], undefined);
  });
});
