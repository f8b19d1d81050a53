// Logins at a real OpenID provider: a browser that keeps cookies, two nodes, and an application behind them.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CookieBrowser, type Page } from '../../kit/cookie-browser.ts';
import { eventually } from '../../kit/eventually.ts';
import { scrape } from '../../kit/metrics.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startSystem, type System } from '../../kit/processes.ts';
import { gateway, type Resource, route, service } from '../../kit/resources.ts';
import { type Echo, startEcho } from '../../kit/upstreams/echo.ts';
import { type OpenIdProvider, startOpenIdProvider } from '../../kit/upstreams/openid-provider.ts';

const resource = (kind: string, name: string, spec: object): Resource => ({
  kind,
  metadata: { name },
  spec,
});
const app = 'http://app.test';
const secret = 'a secret: with signs%';
const names = ['app', 'plain', 'strict', 'any', 'public', 'default'] as const;
const callback = '/.causeway/callback';
const logout = '/.causeway/logout';
const html = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

describe('oidc', () => {
  const scope = new OwnScope();
  let system: System;
  let provider: OpenIdProvider;
  let hosts: Record<string, string>[];

  before(async () => {
    const echo = await startEcho(scope);
    const behindProxy = { clientAddress: { trustedProxies: ['127.0.0.1'] } };
    system = await startSystem(scope, { nodes: ['edge-1', 'edge-2'], resources: [gateway(behindProxy)] });
    const redirectUris = names.map((name) => `http://${name}.test${callback}`);
    provider = await startOpenIdProvider(scope, [
      { id: 'shop', secret, redirectUris: [...redirectUris, `https://outside.test:8443${callback}`] },
      { id: 'by body', secret, redirectUris, method: 'client_secret_post' },
      { id: 'public', redirectUris },
    ]);
    const { issuer } = provider;
    const corp = (name: string, clientId: string, more: object = {}): Resource =>
      resource('AuthProvider', name, { issuer, audiences: ['of nobody'], clientId, ...more });
    const page = (name: string, oidc: object, more: object = {}): Resource =>
      route(name, '/', 'echo', { hosts: [`${name}.test`], filters: [{ oidc }], ...more });
    await system.apply([
      service('echo', [echo.port]),
      resource('Secret', 'login', { data: { secret } }),
      corp('corp', 'shop', {
        clientSecret: { secret: 'login', key: 'secret' },
        claimHeaders: { 'x-user': 'sub', 'x-name': 'name' },
      }),
      corp('other', 'shop', { clientSecret: secret }),
      corp('public', 'public'),
      resource('Consumer', 'mallory', { disabled: true, jwt: [{ provider: 'corp', value: 'mallory' }] }),
      resource('Consumer', 'program', { keys: [{ name: 'k', value: 'a-key-of-a-program' }] }),
      page('app', { provider: 'corp', scopes: ['profile', 'orders'], forwardToken: true }),
      page('plain', { provider: 'other', unauthenticated: 'deny' }),
      page('strict', { provider: 'corp', cookie: { sameSite: 'Strict', name: 'strict', ttl: '1h' } }),
      page('public', { provider: 'public' }),
      route('any', '/', 'echo', {
        hosts: ['any.test'],
        filters: [
          { anyOf: [{ apiKey: {} }, { oidc: { provider: 'corp', scopes: ['profile'] } }] },
          { authorize: { rules: [{ allow: { groups: ['staff'] } }, { allow: { consumers: ['program'] } }] } },
        ],
      }),
      route('some', '/', 'echo', {
        hosts: ['some.test'],
        filters: [{ anyOf: [{ apiKey: { optional: true } }, { oidc: { provider: 'corp' } }] }],
      }),
    ]);
    const urls = await Promise.all(system.nodes.map((node) => node.trafficUrl()));
    hosts = urls.map((url) =>
      Object.fromEntries([...names, 'some', 'outside'].map((name) => [`${name}.test`, url])),
    );
    for (const known of hosts) known['outside.test:8443'] = known['outside.test']!;
  });
  after(() => scope.end());

  const browser = (node = 0): CookieBrowser => new CookieBrowser(hosts[node]!);

  async function loggedIn(url = `${app}/`): Promise<CookieBrowser> {
    const user = browser();
    assert.equal((await user.navigate(url)).status, 200);
    return user;
  }

  const seenBy = (page: Page): { target: string; headers: Record<string, string> } => {
    assert.equal(page.status, 200, `${page.url} ${page.body}`);
    const { target, headers } = JSON.parse(page.body) as Echo;
    return {
      target,
      headers: Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])),
    };
  };
  const reasonOf = ({ status, body }: Page): unknown[] => [
    status,
    (JSON.parse(body) as { reason: string }).reason,
  ];
  /** The page that the provider sends a browser back with. */
  const comingBack = async (user: CookieBrowser, url = `${app}/`): Promise<string> =>
    user.follow(await user.begin(url), new URL(callback, url).href);

  it('logs in who navigates, brings him to where he wanted to go, and tells the application who it is', async () => {
    const user = browser();
    const seen = seenBy(await user.navigate(`${app}/orders?a=1&b=%20x&a=2&c`));
    assert.equal(seen.target, '/orders?a=1&b=%20x&a=2&c');
    assert.equal(seen.headers['x-user'], 'alice');
    assert.equal(Buffer.from(seen.headers['x-name']!, 'latin1').toString(), 'alice ä');
    assert.equal(seen.headers['x-consumer-name'], 'corp/alice');
    assert.equal(seen.headers['x-consumer-groups'], 'staff,alice');
    assert.match(seen.headers['authorization'] ?? '', /^Bearer [!-~]+$/);
    assert.equal(seen.headers['cookie'], undefined);
    const [cookie] = [...user.cookies('app.test')];
    assert.deepEqual([...user.cookies('app.test').keys()], ['causeway-session']);
    assert.equal(cookie![1].attributes, 'Path=/; Max-Age=43200; HttpOnly; SameSite=Lax');
    assert.ok(!cookie![1].value.includes('alice'));
    const end = user.history.find(({ url }) => url.startsWith(app + callback))!;
    assert.equal(end.headers['cache-control'], 'no-store');
  });

  it('keeps what a client says of itself from the application', async () => {
    const user = await loggedIn('http://any.test/');
    const said = { 'x-user': 'admin', X_User: 'admin', authorization: 'Basic YTpi', cookie: 'own=1; own2=2' };
    const { headers } = seenBy(await user.ask('http://any.test/', said));
    assert.equal(headers['x-user'], 'alice');
    assert.equal(headers['x_user'], undefined);
    assert.equal(headers['authorization'], undefined);
    assert.equal(headers['cookie'], 'own=1; own2=2');
  });

  it('sends only those to the login who navigate', async () => {
    const user = browser();
    const refusedBy = async (headers: Record<string, string>, method?: 'POST' | 'HEAD'): Promise<void> => {
      const page = await user.ask(`${app}/`, headers, method);
      assert.equal(page.status, 401, JSON.stringify(headers));
      assert.equal(page.headers['www-authenticate'], 'Login realm="causeway"');
    };
    await refusedBy({});
    await refusedBy({ accept: '*/*' });
    await refusedBy({ accept: 'application/json, text/html;q=0' });
    await refusedBy({ accept: 'text/html', 'sec-fetch-mode': 'cors' });
    await refusedBy({ ...html, 'sec-fetch-dest': 'iframe' });
    await refusedBy({ ...html, 'sec-purpose': 'prefetch;prerender' });
    await refusedBy({ ...html, purpose: 'prefetch' });
    await refusedBy(html, 'POST');
    await refusedBy(html, 'HEAD');
    assert.equal((await user.ask(`${app}/`, { accept: 'a/b, text/html;q=0.1' })).status, 302);
    assert.deepEqual(reasonOf(await user.ask('http://plain.test/', html)), [401, 'unauthenticated']);
    assert.equal(user.cookies('plain.test').size, 0);
  });

  it('takes no answer of a provider that this browser did not ask for, and none twice', async () => {
    const user = browser();
    const back = await comingBack(user);
    const stranger = browser();
    assert.deepEqual(reasonOf(await stranger.ask(back, html)), [400, 'bad_request']);
    assert.deepEqual(reasonOf(await user.ask(back.replace('state=', 'state=x'), html)), [400, 'bad_request']);
    assert.deepEqual(reasonOf(await user.ask(`${app}${callback}`, html)), [400, 'bad_request']);
    const other = back.replace(/iss=[^&]*/, 'iss=https%3A%2F%2Fevil.test');
    const twin = user.clone();
    assert.deepEqual(reasonOf(await user.clone().ask(other, html)), [400, 'bad_request']);
    assert.deepEqual(reasonOf(await user.clone().ask(back, html, 'HEAD').then(headOf)), [405, '']);
    assert.equal((await user.ask(back, html)).status, 302);
    assert.deepEqual(reasonOf(await user.ask(back, html)), [400, 'bad_request']);
    // Also not with the cookie of the attempt: the provider gives tokens for a code once.
    assert.deepEqual(reasonOf(await twin.ask(back, html)), [400, 'bad_request']);
  });

  const headOf = (page: Page): Page => ({ ...page, body: '{"reason":""}' });

  it('takes the code of another login for none of this one', async () => {
    const [one, two] = [browser(), browser()];
    const [first, second] = [new URL(await comingBack(one)), new URL(await comingBack(two))];
    second.searchParams.set('code', first.searchParams.get('code')!);
    // PKCE is the first that tells.
    assert.deepEqual(reasonOf(await two.ask(second.href, html)), [400, 'bad_request']);
  });

  it('tells of a login that the provider refused', async () => {
    const user = browser();
    const state = new URL(await comingBack(user)).searchParams.get('state')!;
    const ended = (error: string): Promise<Page> =>
      user.clone().ask(`${app}${callback}?error=${error}&state=${state}`, html);
    assert.deepEqual(reasonOf(await ended('access_denied')), [403, 'forbidden']);
    assert.deepEqual(reasonOf(await ended('temporarily_unavailable')), [503, 'auth_unavailable']);
    assert.deepEqual(reasonOf(await ended('invalid_scope')), [400, 'bad_request']);
  });

  it('takes no cookie that was changed, cut or made for another client', async () => {
    const user = await loggedIn();
    const { value } = user.cookies('app.test').get('causeway-session')!;
    const withCookie = async (cookie: string, url = `${app}/`): Promise<number> =>
      (await browser().ask(url, { cookie })).status;
    assert.equal(await withCookie(`causeway-session=${value}`), 200);
    const at = value.length >> 1;
    const changed = value.slice(0, at) + (value[at] === 'A' ? 'B' : 'A') + value.slice(at + 1);
    assert.equal(await withCookie(`causeway-session=${changed}`), 401);
    assert.equal(await withCookie(`causeway-session=${value.slice(0, -4)}`), 401);
    assert.equal(await withCookie(`causeway-session=2${value.slice(1)}; causeway-session.1=`), 401);
    assert.equal(await withCookie(`causeway-session=${value}`, 'http://plain.test/'), 401);
    assert.equal(await withCookie(`strict=${value}`, 'http://strict.test/'), 401);
    // A session without what this Route needs is none here: it was made without the scopes.
    const plain = await loggedIn('http://any.test/');
    const session = plain.cookies('any.test').get('causeway-session')!.value;
    assert.equal(await withCookie(`causeway-session=${session}`), 401);
  });

  it('shares sessions between nodes, and keeps them when keys are replaced', async () => {
    const user = await loggedIn();
    const there = user.clone(hosts[1]);
    assert.equal(seenBy(await there.ask(`${app}/`)).headers['x-user'], 'alice');
    const first = user.cookies('app.test').get('causeway-session')!.value;
    const rotate = async (): Promise<void> => {
      assert.equal((await system.admin.call('POST', 'keys/login/rotate')).status, 200);
    };
    await rotate();
    // The next answer brings a cookie under the new key.
    await eventually(
      async () => (await there.ask(`${app}/`), there.cookies('app.test').get('causeway-session')!.value),
      {
        what: 'a session under the new key',
        until: (value) => value !== first,
      },
    );
    await rotate();
    await eventually(async () => (await user.clone(hosts[1]).ask(`${app}/`)).status, {
      what: 'the end of what the first key sealed',
      until: (status) => status === 401,
    });
    assert.equal((await there.ask(`${app}/`)).status, 200);
  });

  it('refreshes tokens once for all requests that come at the same time', async () => {
    provider.lifeSeconds = 1;
    const user = await loggedIn();
    const refreshesBefore = provider.asked['refresh_token'] ?? 0;
    const token = seenBy(await user.ask(`${app}/`)).headers['authorization'];
    provider.lifeSeconds = 3600;
    const pages = await eventually(
      () => Promise.all(Array.from({ length: 8 }, () => user.clone().ask(`${app}/`))),
      {
        what: 'newer tokens',
        until: (all) => all.every((page) => page.headers['set-cookie'] !== undefined),
      },
    );
    const tokens = new Set(pages.map((page) => seenBy(page).headers['authorization']));
    assert.equal(tokens.size, 1);
    assert.ok(!tokens.has(token));
    assert.equal((provider.asked['refresh_token'] ?? 0) - refreshesBefore, 1);
    assert.equal(pages[0]!.headers['cache-control'], 'no-store');
    assert.equal(seenBy(await user.ask(`${app}/`)).headers['x-user'], 'alice');
    assert.equal(seenBy(await user.ask(`${app}/`)).headers['authorization'], [...tokens][0]);
  });

  it('goes on while the provider is away, as long as its tokens are good', async () => {
    provider.lifeSeconds = 2;
    const user = await loggedIn();
    provider.tokenFault = 500;
    const seen: number[] = [];
    const asleep = await eventually(
      async () => {
        const page = await user.ask(`${app}/`);
        seen.push(page.status);
        return page;
      },
      { what: 'the end of the tokens', until: ({ status }) => status !== 200 },
    );
    assert.ok(seen.length > 1);
    assert.deepEqual(reasonOf(asleep), [503, 'auth_unavailable']);
    const stranger = browser();
    const back = await comingBack(stranger);
    assert.deepEqual(reasonOf(await stranger.ask(back, html)), [503, 'auth_unavailable']);
    provider.tokenFault = undefined;
    provider.lifeSeconds = 3600;
    assert.equal((await stranger.ask(back, html)).status, 302);
    assert.equal((await user.ask(`${app}/`)).status, 200);
  });

  it('ends a session whose refresh the provider refuses', async () => {
    provider.lifeSeconds = 1;
    const user = await loggedIn();
    provider.revoke();
    const page = await eventually(() => user.ask(`${app}/`), {
      what: 'the end of the session',
      until: ({ status }) => status !== 200,
    });
    assert.deepEqual(reasonOf(page), [401, 'unauthenticated']);
    provider.lifeSeconds = 3600;
    assert.equal((await user.navigate(`${app}/`)).status, 200);
  });

  it('ends a session whose tokens are over and cannot be refreshed', async () => {
    provider.refreshes = false;
    provider.lifeSeconds = 1;
    const user = await loggedIn();
    const ended = await eventually(() => user.ask(`${app}/`), {
      what: 'the end of tokens that cannot be refreshed',
      until: ({ status }) => status !== 200,
    });
    assert.deepEqual(reasonOf(ended), [401, 'unauthenticated']);
    provider.lifeSeconds = 3600;
    provider.refreshes = true;
  });

  it('logs out by this site alone, on all workers at once, and at the provider', async () => {
    const user = await loggedIn();
    const twin = user.clone();
    const out = `${app}${logout}`;
    const forbidden = [
      { ...html, 'sec-fetch-site': 'cross-site' },
      { ...html, 'sec-fetch-site': 'same-origin', 'sec-purpose': 'prefetch' },
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      { referer: 'http://evil.test/page' },
    ];
    for (const headers of forbidden)
      assert.deepEqual(reasonOf(await user.ask(out, headers)), [403, 'forbidden'], JSON.stringify(headers));
    assert.deepEqual(reasonOf(await user.ask(out, { origin: 'http://evil.test' }, 'POST')), [
      403,
      'forbidden',
    ]);
    assert.equal((await user.ask(out, html, 'HEAD')).status, 405);
    assert.equal((await user.ask(`${app}/`)).status, 200);
    const page = await user.ask(out, { 'sec-fetch-site': 'same-origin' }, 'POST');
    assert.equal(page.status, 303);
    const end = new URL(String(page.headers['location']));
    assert.equal(end.origin, provider.issuer);
    assert.deepEqual([...end.searchParams.keys()], ['client_id', 'id_token_hint']);
    assert.equal(user.cookies('app.test').size, 0);
    // Who kept the cookie has nothing of it, whichever worker he meets.
    const askAll = async (): Promise<void> => {
      for (let asked = 0; asked < 8; asked += 1) assert.equal((await twin.ask(`${app}/`)).status, 401);
    };
    await askAll();
    // Also one that starts later.
    const { child } = system.nodes[0]!;
    child.signal('SIGUSR2');
    await child.waitForLog('the workers are replaced', ({ msg }) => msg === 'the workers are replaced');
    await askAll();
    const again = await user.ask(out, { ...html, 'sec-fetch-site': 'same-origin' });
    assert.equal(again.status, 303);
  });

  it('knows the address that users see behind trusted proxies', async () => {
    const user = browser();
    const told = { ...html, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'app.test' };
    const page = await user.ask(`${app}/`, told);
    const uri = new URL(String(page.headers['location'])).searchParams.get('redirect_uri');
    assert.equal(uri, `https://app.test${callback}`);
    assert.match(
      String(page.headers['set-cookie']),
      /; Path=\/\.causeway\/callback; .*; Secure; SameSite=Lax$/,
    );
  });

  it('leads nowhere else, whatever was asked for', async () => {
    const endOf = async (target: string): Promise<unknown> => {
      const user = browser();
      return (await user.ask(await comingBack(user, app + target), html)).headers['location'];
    };
    assert.equal(await endOf('//evil.test/x?y=//evil.test'), `${app}/evil.test/x?y=//evil.test`);
    assert.equal(await endOf(`/${'a'.repeat(7000)}`), `${app}/`);
    const fits = `/${'a'.repeat(2500)}?${'b'.repeat(200)}`;
    assert.equal(await endOf(fits), app + fits);
  });

  it('gives a browser that is strict with cookies a page of this site', async () => {
    const user = browser();
    const page = await user.ask(await comingBack(user, 'http://strict.test/a?b=1&c="<x>'), html);
    assert.equal(page.status, 200);
    assert.match(page.body, /content="0;url='http:\/\/strict.test\/a\?b=1&#38;c=/);
    assert.match(
      user.cookies('strict.test').get('strict')!.attributes,
      /^Path=\/; Max-Age=3600; .*SameSite=Strict$/,
    );
    assert.equal((await user.ask('http://strict.test/')).status, 200);
  });

  it('logs in at providers that know the client otherwise', async () => {
    assert.equal((await browser().navigate('http://public.test/')).status, 200);
    await system.apply([
      resource('AuthProvider', 'public', {
        issuer: provider.issuer,
        audiences: ['of nobody'],
        clientId: 'by body',
        clientSecret: secret,
      }),
    ]);
    assert.equal((await browser().navigate('http://public.test/')).status, 200);
  });

  it('shows the secret of a client to nobody, and keeps it when it is written back hidden', async () => {
    const path = 'namespaces/default/authproviders/public';
    const shown = await system.admin.call('GET', path);
    assert.equal(shown.field('spec', 'clientSecret'), '(hidden)');
    const body = { ...(shown.json() as object), metadata: { name: 'public', labels: { seen: 'yes' } } };
    const written = await system.admin.call('PUT', path, { body });
    assert.equal(written.status, 200, written.text);
    const dump = await system.admin.call('GET', 'nodes/edge-1/configDump');
    for (const text of [shown.text, written.text, dump.text]) assert.ok(!text.includes(secret));
    await system.admin.waitUntilApplied(Number(written.headers['causeway-revision']), ['edge-1']);
    assert.equal((await browser().navigate('http://public.test/')).status, 200);
  });

  it('is one of several ways, after which rules know who it is', async () => {
    const any = 'http://any.test/';
    const program = await browser().ask(any, { 'x-api-key': 'a-key-of-a-program' });
    assert.equal(seenBy(program).headers['x-consumer-name'], 'program');
    const challenged = await browser().ask(any);
    assert.deepEqual(challenged.headers['www-authenticate'], [
      'ApiKey realm="causeway"',
      'Login realm="causeway"',
    ]);
    const user = await loggedIn(any);
    assert.equal(seenBy(await user.ask(any)).headers['x-consumer-name'], 'corp/alice');
    // Nobody's cookies of logins reach the application, whoever was let in as whom.
    const cookie = 'causeway-session.login0=x; causeway-session.1=y; a=b';
    assert.equal(seenBy(await browser().ask('http://some.test/', { cookie })).headers['cookie'], 'a=b');
    provider.user = 'mallory';
    assert.deepEqual(reasonOf(await browser().navigate(any)), [403, 'forbidden']);
    provider.user = 'alice';
  });

  it('holds for all Routes of a Gateway that has it', async () => {
    const oidc = { provider: 'corp' };
    await system.apply([
      gateway({ filters: [{ oidc }] }),
      route('default', '/', 'echo', { hosts: ['default.test'] }),
      route('inner', '/inner', 'echo', { hosts: ['default.test'] }),
      route('open', '/open', 'echo', {
        hosts: ['default.test'],
        filters: [{ name: 'oidc', disabled: true }],
      }),
    ]);
    assert.equal((await browser().ask('http://default.test/open')).status, 200);
    const user = await loggedIn('http://default.test/inner');
    assert.equal((await user.ask('http://default.test/other')).status, 200);
  });

  it('is explained', async () => {
    const effectOn = async (path: string, headers: string[][] = []): Promise<unknown> => {
      const body = { request: { method: 'GET', url: app + path, headers } };
      const answer = await system.admin.call('POST', 'explain', { body });
      return answer.field('filters', 0, 'effect', 'detail');
    };
    assert.equal(await effectOn('/x'), 'no session: browsers are sent to log in, others get 401');
    assert.equal(await effectOn('/x', [['cookie', 'causeway-session=1.x']]), 'depends on the session');
    assert.equal(await effectOn(callback), 'ends a login at corp');
    assert.equal(await effectOn(logout), 'logs out');
  });

  it('keeps codes and tokens out of logs, and counts what became of logins', async () => {
    const output = await eventually(() => system.nodes[0]!.child.output.join('\n'), {
      what: 'the access log of a login',
      until: (text) => text.includes('code=-&state=-'),
    });
    assert.doesNotMatch(output, /[?&"]code=[^-]|[?&"]state=[^-]|a secret: with/);
    const metrics = await scrape(system.nodes[0]!);
    for (const event of ['started', 'completed', 'failed', 'refreshed', 'refreshFailed', 'loggedOut'])
      assert.ok(metrics.value('causeway_logins_total', { provider: 'default/corp', event }) > 0, event);
  });
});
