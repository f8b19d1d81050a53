import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger } from '@causeway/runtime/logger';
import { ManualClock } from '@causeway/runtime/manual-clock';

import { ArrivalCounters } from '../listen/arrival-counters.ts';
import { ClientTimeoutCounters } from '../listen/client-timeout-counters.ts';
import { Http2Counters } from '../listen/http2/http2-counters.ts';
import { exchangeRecord } from '../testing/exchange-records.ts';
import { PoolCounters } from '../upstream/pool-counters.ts';
import { AccessLog } from './access-log.ts';
import { TrafficMetrics } from './traffic-metrics.ts';

const gauges = {
  connections: 7,
  connectionsMax: 70,
  refusedConnections: { total: 1, address: 2, descriptors: 3 },
  retiredTables: 1,
  clientTimeouts: Object.assign(new ClientTimeoutCounters(), {
    keepAlive: 4,
    requestHead: 5,
    tlsHandshake: 6,
  }),
  arrivals: new ArrivalCounters(),
  http2: Object.assign(new Http2Counters(), { connections: 3, requests: 9, resets: { client: 2, node: 1 } }),
  certificateExpiry: [{ certificate: 'default/www', seconds: 86_400 }],
  pools: Object.assign(new PoolCounters(), { connectionsOpened: 6, staleRepeats: 8, refusedRepeats: 7 }),
  cache: { stored: 5, evicted: 2, purged: 1, bytes: 4096, entries: 3 },
  breakers: [{ service: 'default/s', state: 'open' as const }],
  upstreamConnections: [{ service: 'default/s', open: 2, waiting: 1 }],
  streams: { counts: { webSockets: 2, events: 1, records: 0 }, byRevision: [] },
  eventLoop: { medianSeconds: 0.001, p99Seconds: 0.002, maxSeconds: 0.003 },
};

const record = exchangeRecord({
  isLogged: false,
  path: '/a/secret',
  route: 'default/a',
  routePath: '/a',
  service: 'default/s',
  durationMs: 30,
  upstreamMs: 20,
});

function series(metrics: TrafficMetrics, name: string): Record<string, number> {
  const family = metrics.registry.collect().find((candidate) => candidate.name === name);
  assert.ok(family, name);
  return Object.fromEntries(
    family.series.map(({ labels, values }) => [Object.values(labels).join(' '), values[0] ?? 0]),
  );
}

function metricsOf(): TrafficMetrics {
  const stdout = { write: () => {}, reopen: async () => {}, close: () => {} };
  const logger = createLogger({ level: 'error' });
  return new TrafficMetrics(
    new AccessLog({ clock: new ManualClock(), logger, outputTo: () => stdout, onLost: () => {} }),
    () => gauges,
  );
}

describe('TrafficMetrics', () => {
  it('counts exchanges by Route, Service, status and reason', () => {
    const metrics = metricsOf();
    metrics.onExchangeStart();
    metrics.onExchangeOver(record);
    metrics.onExchangeStart();
    metrics.onExchangeOver({ ...record, status: 502, reason: 'upstream_reset' });
    metrics.onExchangeStart();
    assert.deepEqual(series(metrics, 'causeway_requests_total'), {
      'default/a default/s 200 ': 1,
      'default/a default/s 502 upstream_reset': 1,
    });
    assert.equal(series(metrics, 'http_server_active_requests')[''], 1);
    const durations = metrics.registry
      .collect()
      .find(({ name }) => name === 'http_server_request_duration_seconds');
    assert.equal(durations?.series[0]?.values.at(-1), 0.03);
  });

  it('says of upstreams what they answered, and nothing where the gateway did', () => {
    const metrics = metricsOf();
    metrics.onExchangeOver(record);
    metrics.onExchangeOver({ ...record, status: 404 });
    metrics.onExchangeOver({ ...record, reason: 'client_closed' });
    metrics.onExchangeOver({ ...record, status: 502, reason: 'upstream_connect_failed' });
    assert.deepEqual(Object.keys(series(metrics, 'http_client_request_duration_seconds')), [
      'GET 200 default/s ',
      'GET 404 default/s ',
      'GET 200 default/s client_closed',
      'GET  default/s upstream_connect_failed',
    ]);
  });

  it('keeps free text of clients out of labels', () => {
    const metrics = metricsOf();
    for (let count = 0; count < 100; count += 1) metrics.onExchangeOver({ ...record, method: `M${count}` });
    assert.deepEqual(Object.keys(series(metrics, 'http_server_request_duration_seconds')), [
      '_OTHER 200 /a ',
    ]);
  });

  it('shows how it stands with its connections', () => {
    const metrics = metricsOf();
    const value = (name: string): number | undefined => series(metrics, name)[''];
    assert.equal(value('causeway_connections'), 7);
    assert.deepEqual(series(metrics, 'causeway_connections_refused_total'), {
      maxConnections: 1,
      maxConnectionsPerAddress: 2,
      fileDescriptors: 3,
    });
  });

  it('counts requests at upstreams while they are there', () => {
    const metrics = metricsOf();
    metrics.onUpstreamStart('default/s');
    metrics.onUpstreamStart('default/s');
    metrics.onUpstreamOver('default/s');
    assert.deepEqual(series(metrics, 'causeway_upstream_active_requests'), { 'default/s': 1 });
  });

  it('shows what failed before the first request, and how long certificates are valid', () => {
    const metrics = metricsOf();
    assert.equal(series(metrics, 'causeway_tls_handshake_failures_total')['version'], 0);
    assert.deepEqual(
      ['causeway_http2_connections', 'causeway_http2_requests_total', 'causeway_http2_resets_total'].map(
        (name) => series(metrics, name),
      ),
      [{ '': 3 }, { '': 9 }, { client: 2, node: 1 }],
    );
    assert.equal(series(metrics, 'causeway_http2_goaways_total')['leaving'], 0);
    assert.equal(series(metrics, 'causeway_proxy_protocol_failures_total')['untrusted'], 0);
    assert.deepEqual(series(metrics, 'causeway_certificate_expiry_seconds'), { 'default/www': 86_400 });
  });

  it('shows timeouts of clients, pools of upstream connections and pauses of the event loop', () => {
    const metrics = metricsOf();
    assert.deepEqual(series(metrics, 'causeway_client_timeouts_total'), {
      keepAlive: 4,
      requestHead: 5,
      tlsHandshake: 6,
    });
    assert.deepEqual(series(metrics, 'causeway_upstream_pool_events_total'), {
      opened: 6,
      connectFailed: 0,
      staleRepeat: 8,
      refusedRepeat: 7,
      refused: 0,
    });
    assert.deepEqual(series(metrics, 'causeway_upstream_connections'), { 'default/s': 2 });
    assert.deepEqual(series(metrics, 'causeway_upstream_waiting_requests'), { 'default/s': 1 });
    assert.deepEqual(series(metrics, 'causeway_event_loop_delay_seconds'), {
      0.5: 0.001,
      0.99: 0.002,
      1: 0.003,
    });
  });
});
