import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { directiveMs, parseDirectives, parseHttpDate } from './directives.ts';
import { judgeAnswer, type Obstacle, type RequestFacts, type Terms, varyNames } from './storage-rules.ts';
import {
  freshenedFields,
  isNotModified,
  mayStandIn,
  notModifiedFields,
  requestDirectives,
  storedFields,
  type Use,
  useOf,
} from './use-rules.ts';

const nowMs = Date.UTC(2026, 0, 2, 12, 0, 0);
const now = new Date(nowMs).toUTCString();
const at = (seconds: number): string => new Date(nowMs + seconds * 1000).toUTCString();
const settings = { ttlMs: undefined, staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
const plain: RequestFacts = {
  directives: new Map(),
  hasAuthorization: false,
  hasCookie: false,
  caller: 'nobody',
  isPersonal: false,
};

interface Case {
  readonly status?: number;
  readonly delayMs?: number;
  readonly request?: Partial<RequestFacts>;
  readonly settings?: Partial<Parameters<typeof judgeAnswer>[2]>;
}

function judged(fields: Record<string, string>, given: Case = {}): Terms | Obstacle {
  const { status = 200, delayMs = 0 } = given;
  const all = Object.entries({ date: now, ...fields }).flat();
  const answer = { status, fields: all, receivedWallMs: nowMs, delayMs };
  return judgeAnswer(answer, { ...plain, ...given.request }, { ...settings, ...given.settings });
}

const control = (value: string): Record<string, string> => ({ 'cache-control': value });
const minute = control('max-age=60');

describe('an answer is not stored', () => {
  const ttl = { settings: { ttlMs: 1000 } };
  const cases: [string, Record<string, string>, Case, Obstacle][] = [
    ['that is partial (206)', minute, { status: 206 }, 'status'],
    ['that is none (304)', minute, { status: 304 }, 'status'],
    ['of a status that is not understood', minute, { status: 299 }, 'status'],
    ['of a failure', minute, { status: 503 }, 'status'],
    ['that asks for credentials', minute, { status: 401 }, 'status'],
    ['with no-store', control('max-age=60, no-store'), {}, 'no-store'],
    ['with NO-STORE in capitals', control('max-age=60, No-Store'), {}, 'no-store'],
    ['with no-store behind a quoted comma', control('x="a, b", no-store, max-age=60'), {}, 'no-store'],
    [
      'for a request with no-store',
      minute,
      { request: { directives: new Map([['no-store', '']]) } },
      'no-store',
    ],
    ['with private', control('private, max-age=60'), {}, 'private'],
    ['with private for some fields', control('private="x-a", max-age=60'), {}, 'private'],
    ['with private and public', control('public, private, max-age=60'), {}, 'private'],
    [
      'with private, though its caller is known',
      control('private, max-age=60'),
      { request: { caller: 'named' } },
      'private',
    ],
    ['with Set-Cookie', { ...minute, 'set-cookie': 'a=b' }, {}, 'set-cookie'],
    [
      'with Set-Cookie, though public',
      { ...control('public, max-age=60'), 'set-cookie': 'a=b' },
      {},
      'set-cookie',
    ],
    ['with Content-Range', { ...minute, 'content-range': 'bytes 0-1/2' }, {}, 'partial'],
    ['with Vary: *', { ...minute, vary: '*' }, {}, 'vary'],
    ['with Vary: * among others', { ...minute, vary: 'accept, *' }, {}, 'vary'],
    ['to Authorization', minute, { request: { hasAuthorization: true } }, 'authorization'],
    ['to Authorization, with a ttl', {}, { ...ttl, request: { hasAuthorization: true } }, 'authorization'],
    ['for a caller who was let in elsewhere', minute, { request: { caller: 'unnamed' } }, 'caller'],
    ['without freshness', {}, {}, 'no-freshness'],
    ['with public alone', control('public'), {}, 'no-freshness'],
    ['with a validator alone', { etag: '"a"' }, {}, 'no-freshness'],
    ['of a redirect (302) with a ttl alone', {}, { ...ttl, status: 302 }, 'no-freshness'],
    ['to a cookie with a ttl alone', {}, { ...ttl, request: { hasCookie: true } }, 'cookie'],
    [
      'to a cookie with a ttl alone, though its caller is known',
      {},
      { ...ttl, request: { caller: 'named', hasCookie: true } },
      'cookie',
    ],
    ['with max-age=0 and no validator', control('max-age=0'), {}, 'stale'],
    ['with max-age that is no number', control('max-age=x'), {}, 'stale'],
    ['with a negative max-age', control('max-age=-1'), {}, 'stale'],
    ['with two different max-age', control('max-age=60, max-age=90'), {}, 'stale'],
    ['with Expires: 0', { expires: '0' }, {}, 'stale'],
    ['with Expires in the past', { expires: at(-1) }, {}, 'stale'],
    ['with Expires = Date', { expires: now }, {}, 'stale'],
    ['that has expired on its way', { ...minute, age: '60' }, {}, 'stale'],
    ['with an old Date', { ...minute, date: at(-60) }, {}, 'stale'],
    ['with no-cache and no validator', control('no-cache, max-age=60'), {}, 'stale'],
    ['with s-maxage=0 over max-age', control('s-maxage=0, max-age=60'), {}, 'stale'],
    [
      'with must-revalidate and old, though a stale one may be given',
      { ...control('max-age=1, must-revalidate'), age: '1' },
      { settings: { staleIfErrorMs: 9000 } },
      'stale',
    ],
  ];
  for (const [name, fields, given, obstacle] of cases)
    it(name, () => assert.equal(judged(fields, given), obstacle));
});

describe('an answer is stored', () => {
  const cases: [string, Record<string, string>, Case, Partial<Terms>][] = [
    ['with max-age', minute, {}, { lifetimeMs: 60_000, initialAgeMs: 0, isShared: false }],
    ['with max-age in quotes', control('max-age="60"'), {}, { lifetimeMs: 60_000 }],
    ['with max-age twice alike', control('max-age=60, max-age=60'), {}, { lifetimeMs: 60_000 }],
    [
      'with a max-age beyond all bounds',
      control(`max-age=${'9'.repeat(30)}`),
      {},
      { lifetimeMs: 2_147_483_648_000 },
    ],
    [
      'with s-maxage, which counts before max-age',
      control('max-age=1, s-maxage=60'),
      {},
      { lifetimeMs: 60_000, isShared: true, isNeverStale: true },
    ],
    ['with Expires', { expires: at(60) }, {}, { lifetimeMs: 60_000 }],
    ['with Expires that max-age overrules', { ...minute, expires: '0' }, {}, { lifetimeMs: 60_000 }],
    [
      'with Expires and a Date of its own',
      { date: at(-100), expires: at(60) },
      {},
      { lifetimeMs: 160_000, initialAgeMs: 100_000 },
    ],
    ['with a Date that is none', { ...minute, date: 'yesterday' }, {}, { initialAgeMs: 0 }],
    ['with Age', { ...minute, age: '10' }, { delayMs: 500 }, { initialAgeMs: 10_500 }],
    ['with Age that is none', { ...minute, age: '-1' }, {}, { initialAgeMs: 0 }],
    ['with Age less than Date tells', { ...minute, age: '10', date: at(-20) }, {}, { initialAgeMs: 20_000 }],
    ['after a slow answer', minute, { delayMs: 3000 }, { initialAgeMs: 3000 }],
    ['with a ttl', {}, { settings: { ttlMs: 5000 } }, { lifetimeMs: 5000 }],
    [
      'with max-age, which counts before the ttl',
      minute,
      { settings: { ttlMs: 5000 } },
      { lifetimeMs: 60_000 },
    ],
    ['of a 404 with a ttl', {}, { status: 404, settings: { ttlMs: 5000 } }, { lifetimeMs: 5000 }],
    ['of a redirect that says so', minute, { status: 302 }, { lifetimeMs: 60_000 }],
    [
      'to Authorization, when public',
      control('public, max-age=60'),
      { request: { hasAuthorization: true } },
      { isShared: true },
    ],
    [
      'to Authorization, with s-maxage',
      control('s-maxage=60'),
      { request: { hasAuthorization: true } },
      { isShared: true },
    ],
    [
      'to Authorization, with must-revalidate',
      control('must-revalidate, max-age=60'),
      { request: { hasAuthorization: true } },
      { isShared: false, isNeverStale: true },
    ],
    [
      'to Authorization of a known caller',
      minute,
      { request: { hasAuthorization: true, caller: 'named' } },
      { isShared: false },
    ],
    [
      'for a caller let in elsewhere, when public',
      control('public, max-age=60'),
      { request: { caller: 'unnamed' } },
      { isShared: true },
    ],
    [
      'for its caller, where filters may have made it his',
      control('public, max-age=60'),
      { request: { caller: 'named', isPersonal: true } },
      { isShared: false },
    ],
    [
      'to a cookie, when it says for how long',
      minute,
      { request: { hasCookie: true } },
      { lifetimeMs: 60_000 },
    ],
    [
      'with no-cache and a validator',
      { ...control('no-cache'), etag: '"a"' },
      {},
      { isAlwaysValidated: true, lifetimeMs: 0 },
    ],
    [
      'with max-age=0 and Last-Modified',
      { ...control('max-age=0'), 'last-modified': at(-9) },
      {},
      { lifetimeMs: 0 },
    ],
    [
      'stale, when it may stand in',
      { ...minute, age: '60' },
      { settings: { staleIfErrorMs: 1000 } },
      { staleIfErrorMs: 1000 },
    ],
    [
      'with what it says of staleness itself',
      control('max-age=1, stale-while-revalidate=2, stale-if-error=3'),
      { settings: { staleWhileRevalidateMs: 9, staleIfErrorMs: 9 } },
      { staleWhileRevalidateMs: 2000, staleIfErrorMs: 3000 },
    ],
    [
      'with s-maxage, never stale by the settings',
      control('s-maxage=1'),
      { settings: { staleWhileRevalidateMs: 9, staleIfErrorMs: 9 } },
      { staleWhileRevalidateMs: 0, staleIfErrorMs: 0 },
    ],
    [
      'with s-maxage, stale by its own word',
      control('s-maxage=1, stale-if-error=3'),
      {},
      { staleIfErrorMs: 3000 },
    ],
    [
      'with proxy-revalidate, never stale',
      control('max-age=1, proxy-revalidate, stale-if-error=3'),
      {},
      { staleIfErrorMs: 0, isNeverStale: true },
    ],
    ['with Vary', { ...minute, vary: 'Accept,  accept , X-A,' }, {}, { vary: ['accept', 'x-a'] }],
    [
      'encoded, though it does not say what that depends on',
      { ...minute, 'content-encoding': 'gzip' },
      {},
      { vary: ['accept-encoding'] },
    ],
    ['without a body (204)', minute, { status: 204 }, {}],
  ];
  for (const [name, fields, given, expected] of cases)
    it(name, () => {
      const terms = judged(fields, given);
      assert.ok(typeof terms === 'object', JSON.stringify(terms));
      assert.deepEqual({ ...terms, ...expected }, terms);
    });
});

describe('a stored answer', () => {
  const terms = (more: Partial<Terms> = {}): Terms => ({
    lifetimeMs: 60_000,
    initialAgeMs: 0,
    isShared: true,
    isAlwaysValidated: false,
    isNeverStale: false,
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: 0,
    vary: [],
    ...more,
  });
  const uses: [string, Partial<Terms>, number, string, Use][] = [
    ['is fresh before its time', {}, 59.9, '', 'fresh'],
    ['is expired at its time', {}, 60, '', 'expired'],
    ['is asked about when the client says no-cache', {}, 1, 'no-cache', 'asked'],
    ['is asked about when it is older than the client wants', {}, 11, 'max-age=10', 'asked'],
    ['is given when it is as old as the client takes', {}, 10, 'max-age=10', 'fresh'],
    ['is asked about with max-age=0', {}, 0.1, 'max-age=0', 'asked'],
    ['is asked about when it is not fresh for long enough', {}, 51, 'min-fresh=10', 'asked'],
    ['is given when it is', {}, 50, 'min-fresh=10', 'fresh'],
    ['is stale to who takes any', {}, 99_999, 'max-stale', 'stale'],
    ['is stale to who takes so much', {}, 70, 'max-stale=10', 'stale'],
    ['is expired to who takes less', {}, 71, 'max-stale=10', 'expired'],
    ['is never stale where it says so', { isNeverStale: true }, 61, 'max-stale', 'expired'],
    ['is given and asked about behind', { staleWhileRevalidateMs: 5000 }, 65, '', 'behind'],
    ['is expired when that is over', { staleWhileRevalidateMs: 5000 }, 66, '', 'expired'],
    [
      'is not given stale to who wants it fresh',
      { staleWhileRevalidateMs: 5000 },
      65,
      'min-fresh=1',
      'asked',
    ],
    ['is always expired with no-cache of its own', { isAlwaysValidated: true }, 0, '', 'expired'],
    [
      'is always expired then, whatever the client takes',
      { isAlwaysValidated: true },
      0,
      'max-stale',
      'expired',
    ],
  ];
  for (const [name, more, ageSeconds, request, use] of uses)
    it(name, () => assert.equal(useOf(terms(more), ageSeconds * 1000, parseDirectives(request)), use));

  it('stands in for a failure for so long, and where that was allowed', () => {
    assert.equal(mayStandIn(terms({ staleIfErrorMs: 5000 }), 65_000), true);
    assert.equal(mayStandIn(terms({ staleIfErrorMs: 5000 }), 65_001), false);
    assert.equal(mayStandIn(terms(), 0), false);
  });

  const stored = ['etag', 'W/"a"', 'last-modified', at(-100), 'date', at(-50)];
  const conditions: [string, Record<string, string>, boolean][] = [
    ['with no condition', {}, false],
    ['with its tag, compared weakly', { 'if-none-match': '"a"' }, true],
    ['with its tag among others', { 'if-none-match': '"b", W/"a", "c"' }, true],
    ['with *', { 'if-none-match': ' * ' }, true],
    ['with another tag', { 'if-none-match': '"aa"' }, false],
    ['with a tag without quotes', { 'if-none-match': 'a' }, false],
    ['with another tag and a good date', { 'if-none-match': '"b"', 'if-modified-since': now }, false],
    ['with its date', { 'if-modified-since': at(-100) }, true],
    ['with a later date', { 'if-modified-since': now }, true],
    ['with an earlier date', { 'if-modified-since': at(-101) }, false],
    ['with a date that is none', { 'if-modified-since': 'now' }, false],
  ];
  for (const [name, headers, isKnown] of conditions)
    it(`is ${isKnown ? '' : 'not '}known to a client ${name}`, () =>
      assert.equal(
        isNotModified(stored, (header) => headers[header]),
        isKnown,
      ));

  it('is compared by its Date where it has no Last-Modified', () => {
    const since = (date: string) =>
      isNotModified(['date', at(-50)], (name) => (name === 'if-modified-since' ? date : undefined));
    assert.deepEqual([since(at(-50)), since(at(-51))], [true, false]);
    assert.equal(
      isNotModified([], (name) => (name === 'if-none-match' ? '"a"' : undefined)),
      false,
    );
  });

  it('keeps what belongs to it, and takes the news of a 304', () => {
    assert.deepEqual(storedFields(['Age', '1', 'X-A', '1', 'Warning', 'w', 'x-request-id', 'i']), [
      'X-A',
      '1',
    ]);
    assert.deepEqual(
      freshenedFields(
        ['X-A', '1', 'x-a', '2', 'x-b', '3', 'content-type', 'a/b', 'etag', 'W/"1"'],
        ['x-A', '4', 'Content-Type', 'c/d', 'ETag', '"1"'],
      ),
      ['x-b', '3', 'content-type', 'a/b', 'etag', 'W/"1"', 'x-A', '4'],
    );
    assert.deepEqual(
      notModifiedFields(['Content-Type', 'a/b', 'etag', '"a"', 'content-location', '/a', 'vary', 'b']),
      ['etag', '"a"', 'content-location', '/a', 'vary', 'b'],
    );
  });
});

describe('directives', () => {
  it('are read as they are written, by whoever wrote them', () => {
    assert.deepEqual(
      [...parseDirectives(' a , B = 1 ,, c="x\\"y, z" ; d')],
      [
        ['a', ''],
        ['b', '1'],
        ['c', 'x\\"y, z'],
        ['d', ''],
      ],
    );
    assert.equal(directiveMs(parseDirectives('a=1.5'), 'a'), 0);
    assert.equal(directiveMs(parseDirectives('b'), 'a'), undefined);
  });

  it('count before Pragma', () => {
    const of = (headers: Record<string, string>) => [...requestDirectives((name) => headers[name]).keys()];
    assert.deepEqual(of({ pragma: 'x, No-Cache' }), ['no-cache']);
    assert.deepEqual(of({ pragma: 'no-cache', 'cache-control': 'max-age=1' }), ['max-age']);
    assert.deepEqual(of({}), []);
  });

  it('have dates in three forms, and no others', () => {
    const time = Date.UTC(1994, 10, 6, 8, 49, 37);
    for (const form of [
      'Sun, 06 Nov 1994 08:49:37 GMT',
      'Sunday, 06-Nov-94 08:49:37 GMT',
      'Sun Nov  6 08:49:37 1994',
    ])
      assert.equal(parseHttpDate(form), time, form);
    for (const none of [
      '0',
      '-1',
      '1994-11-06T08:49:37Z',
      'Sun, 06 Nov 1994 25:49:37 GMT',
      'Sun, 06 Foo 1994 08:49:37 GMT',
    ])
      assert.equal(parseHttpDate(none), undefined, none);
  });

  it('name what an answer varies with', () => {
    assert.deepEqual(varyNames(['Vary', 'a', 'vary', 'B, a']), ['a', 'b']);
    assert.deepEqual(varyNames([]), []);
  });
});
