import type { ExchangeRecord } from '../proxy/exchange-record.ts';

/** An exchange that went well. */
export function exchangeRecord(more: Partial<ExchangeRecord> = {}): ExchangeRecord {
  return {
    requestId: '01kamxq5p1n9t4z7',
    method: 'GET',
    startedWallMs: Date.UTC(2026, 10, 23, 4, 10, 0, 7),
    startedMs: 0,
    revision: 42,
    isLogged: true,
    protocol: 'HTTP/1.1',
    query: 'page=2',
    referer: 'https://www.example.com/list',
    userAgent: 'curl/8.10.1',
    client: '192.0.2.1',
    host: 'a.test',
    path: '/orders/7',
    route: 'default/orders',
    routePath: '/orders',
    service: 'default/orders',
    endpoint: 'e-7f3a91c04b',
    consumer: undefined,
    cache: undefined,
    shadow: undefined,
    tries: 1,
    affinity: undefined,
    status: 200,
    reason: undefined,
    stream: undefined,
    closeCode: undefined,
    ended: undefined,
    durationMs: 1.23456,
    upstreamMs: 1.1,
    bytesIn: 3,
    bytesOut: 5,
    ...more,
  };
}
