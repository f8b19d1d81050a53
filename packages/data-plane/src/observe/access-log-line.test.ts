import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import type { ExchangeRecord } from '../proxy/exchange-record.ts';
import { exchangeRecord } from '../testing/exchange-records.ts';
import { lineFormat } from './access-log-line.ts';

type Settings = Parameters<typeof lineFormat>[0];

const settings: Settings = { format: 'json', redactHeaders: [], redactQuery: [] };

function line(record: Partial<ExchangeRecord>, more: Partial<Settings> = {}): string {
  return lineFormat({ ...settings, ...more })(exchangeRecord(record));
}

/** All that is known of a client that sent no request. */
const noRequest: Partial<ExchangeRecord> = {
  method: '-',
  host: '',
  path: undefined,
  protocol: undefined,
  query: undefined,
  referer: undefined,
  userAgent: undefined,
  route: undefined,
  service: undefined,
  endpoint: undefined,
  affinity: undefined,
  status: 400,
  reason: 'bad_request',
  upstreamMs: undefined,
};

describe('lineFormat', () => {
  it('json has all fields, null for what is not known', () => {
    assert.deepEqual(JSON.parse(line({})), {
      time: '2026-11-23T04:10:00.007Z',
      requestId: '01kamxq5p1n9t4z7',
      method: 'GET',
      host: 'a.test',
      path: '/orders/7',
      query: 'page=2',
      protocol: 'HTTP/1.1',
      status: 200,
      reason: null,
      route: 'default/orders',
      service: 'default/orders',
      endpoint: 'e-7f3a91c04b',
      affinity: null,
      client: '192.0.2.1',
      referer: 'https://www.example.com/list',
      userAgent: 'curl/8.10.1',
      durationMs: 1.235,
      upstreamMs: 1.1,
      bytesIn: 3,
      bytesOut: 5,
      revision: 42,
    });
    const bare: Record<string, unknown> = JSON.parse(line(noRequest));
    for (const name of ['host', 'path', 'query', 'protocol', 'referer', 'userAgent', 'route', 'upstreamMs'])
      assert.equal(bare[name], null, name);
  });

  it('json tells how often a request was sent when that is more than once', () => {
    assert.equal(JSON.parse(line({ tries: 3 })).tries, 3);
    assert.equal('tries' in JSON.parse(line({ tries: 1 })), false);
  });

  it('json is what the manual says, field by field', () => {
    const manual = readFileSync(join(import.meta.dirname, '../../../../docs/access-log.md'), 'utf8');
    const documented = Array.from(manual.matchAll(/^\| `(\w+)` \|/gm), ([, name]) => name);
    const webSocket = { stream: 'websocket', closeCode: 1000, ended: 'closed', tries: 2 } as const;
    const caller = { grpcStatus: 0, consumer: 'acme', cache: 'hit', shadow: 'auth:unauthenticated' } as const;
    assert.deepEqual(Object.keys(JSON.parse(line({ ...webSocket, ...caller }))), documented);
  });

  it('names the consumer where there is one', () => {
    assert.equal(JSON.parse(line({ consumer: 'corp/a"b' })).consumer, 'corp/a"b');
    assert.match(line({ consumer: 'corp/a b' }, { format: 'common' }), /^192\.0\.2\.1 - corp\/a\\x20b \[/);
  });

  it('common and combined are what Apache and nginx write', () => {
    const common = '192.0.2.1 - - [23/Nov/2026:04:10:00 +0000] "GET /orders/7?page=2 HTTP/1.1" 200 5';
    assert.equal(line({}, { format: 'common' }), `${common}\n`);
    assert.equal(
      line({}, { format: 'combined' }),
      `${common} "https://www.example.com/list" "curl/8.10.1"\n`,
    );
    assert.equal(
      line(noRequest, { format: 'combined' }),
      '192.0.2.1 - - [23/Nov/2026:04:10:00 +0000] "-" 400 5 "-" "-"\n',
    );
    assert.match(
      line({ query: undefined, protocol: undefined }, { format: 'common' }),
      /"GET \/orders\/7 HTTP\/1\.1"/,
    );
  });

  it('tells the time anew for each second, and of any year', () => {
    for (const [startedWallMs, iso, clf] of [
      [Date.UTC(2026, 1, 1, 23, 59, 59, 999), '2026-02-01T23:59:59.999Z', '01/Feb/2026:23:59:59'],
      [Date.UTC(2026, 1, 2), '2026-02-02T00:00:00.000Z', '02/Feb/2026:00:00:00'],
      [Date.UTC(2026, 1, 2, 0, 0, 0, 9.7), '2026-02-02T00:00:00.009Z', '02/Feb/2026:00:00:00'],
    ] as const) {
      assert.equal(JSON.parse(line({ startedWallMs })).time, iso);
      assert.ok(line({ startedWallMs }, { format: 'common' }).includes(`[${clf} +0000]`));
    }
  });
});

/** Every character that one byte can be, the separators of Unicode, half a pair, an emoji, and what breaks out of quotes. */
const hostile = [
  ...Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)),
  '\u2028',
  '\u2029',
  '\ud800',
  '\u{1f600}',
  '" 200 0 "x',
  '"}\n{"status":200',
  '\\',
  '\\"',
];

describe('lines', () => {
  const fields = [
    'requestId',
    'method',
    'host',
    'path',
    'query',
    'protocol',
    'client',
    'referer',
    'userAgent',
  ] as const;

  it('of JSON are one line of what was said, whatever a client says', () => {
    for (const text of hostile)
      for (const field of fields) {
        const written = line({ [field]: `a${text}b` });
        assert.match(written, /^[\x20-\x7e]*\n$/, JSON.stringify(text));
        assert.equal(JSON.parse(written)[field], `a${text}b`);
      }
  });

  it('of the common formats are one line with the same fields, whatever a client says', () => {
    const shape = /^\S+ - - \[[^\]]+\] "[^"\\]*(\\x[0-9A-F]{2}[^"\\]*)*" 200 5 "[^"]*" "[^"]*"\n$/;
    for (const text of hostile)
      for (const field of fields) {
        const written = line({ [field]: `a${text}b` }, { format: 'combined' });
        assert.match(written, shape, JSON.stringify([field, text]));
        assert.match(written, /^[\x20-\x7e]*\n$/);
      }
    assert.match(
      line({ userAgent: 'a"\\\u00e9\u{1f600}' }, { format: 'combined' }),
      /"a\\x22\\x5C\\xE9\\xF0\\x9F\\x98\\x80"/,
    );
  });
});

describe('redaction', () => {
  const redactHeaders = ['user-agent', 'referer', 'host', 'authorization'];

  it('writes "-" for headers, where the client sent them', () => {
    const shown = JSON.parse(line({}, { redactHeaders }));
    assert.deepEqual([shown.host, shown.referer, shown.userAgent], ['-', '-', '-']);
    assert.equal(JSON.parse(line({ referer: undefined }, { redactHeaders })).referer, null);
    assert.match(line({}, { redactHeaders, format: 'combined' }), / "-" "-"\n$/);
  });

  it('writes "-" for values of query parameters, however their names are spelled, in the referer too', () => {
    const redactQuery = ['token', 'a b'];
    for (const [query, expected] of [
      ['token=1', 'token=-'],
      ['x=1&token=2&y=3&token=4', 'x=1&token=-&y=3&token=-'],
      ['%74oken=1&to%6Ben=2', '%74oken=-&to%6Ben=-'],
      ['a+b=1&a%20b=2', 'a+b=-&a%20b=-'],
      ['token=a=b', 'token=-'],
      ['token', 'token'],
      ['Token=1&tokens=2&%zz=3&%=4', 'Token=1&tokens=2&%zz=3&%=4'],
      ['', ''],
    ] as const)
      assert.equal(JSON.parse(line({ query }, { redactQuery })).query, expected);
    const referer = 'https://a.test/x?token=1&b=2#token=3';
    assert.equal(
      JSON.parse(line({ referer }, { redactQuery })).referer,
      'https://a.test/x?token=-&b=2#token=3',
    );
    assert.match(line({ query: 'token=1' }, { redactQuery, format: 'common' }), /\?token=- HTTP/);
  });
});
