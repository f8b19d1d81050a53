import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { effectiveSpec, validateDocument } from '../validate-document.ts';
import type { Problem } from '../problem.ts';
import { routeKind } from './route.ts';
import { serviceKind } from './service.ts';

function problemsOf(kind: string, spec: object): Problem[] {
  return validateDocument({ apiVersion: 'causeway/v1', kind, metadata: { name: 'a' }, spec }).problems ?? [];
}

const route = (spec: object): Problem[] => problemsOf('Route', { backends: [{ service: 'a' }], ...spec });
const service = (spec: object): Problem[] => problemsOf('Service', spec);

const brief = ([problem]: Problem[]): string | undefined =>
  problem && `${problem.pointer} ${problem.code}${problem.hint === undefined ? '' : ` (${problem.hint})`}`;

describe('what keeps Routes and Services going', () => {
  it('has the defaults of the reference', () => {
    const spec = effectiveSpec(serviceKind, {});
    assert.deepEqual(spec.loadBalancing, {
      policy: 'roundRobin',
      boundedLoadPercent: 0,
      slowStart: '0s',
      zone: 'ignore',
      spillPercent: 70,
    });
    assert.deepEqual(
      [spec.affinity, spec.circuitBreaker, spec.healthCheck.active],
      [undefined, undefined, undefined],
    );
    assert.deepEqual(spec.healthCheck.passive, {
      connectFailures: 3,
      consecutive5xx: 0,
      successRatePercent: 0,
      minRequests: 100,
      window: '30s',
      ejectFor: '30s',
      maxEjectFor: '5m',
      maxEjectedPercent: 50,
    });
    assert.deepEqual(
      [spec.healthCheck.panicPercent, spec.retryBudget],
      [0, { percent: 20, minPerSecond: 3, window: '10s' }],
    );
    const written = effectiveSpec(serviceKind, {
      affinity: { cookie: {} },
      circuitBreaker: { failureRate: {} },
      healthCheck: { active: {} },
    });
    assert.deepEqual(written.affinity, {
      cookie: { name: 'causeway-affinity', ttl: '0s', path: '/', sameSite: 'Lax' },
    });
    assert.deepEqual(written.circuitBreaker, {
      maxRequests: 0,
      maxRetries: 0,
      failureRate: {
        percent: 50,
        window: '10s',
        minRequests: 20,
        openFor: '30s',
        probes: 3,
        statuses: ['5xx'],
      },
    });
    assert.deepEqual(written.healthCheck.active, {
      path: '/',
      method: 'GET',
      headers: {},
      statuses: ['2xx', '3xx'],
      grpcService: '',
      interval: '10s',
      timeout: '2s',
      unhealthyAfter: 3,
      healthyAfter: 2,
    });
    assert.deepEqual(effectiveSpec(routeKind, { backends: [{ service: 'a' }], retry: {} }).retry, {
      attempts: 1,
      errors: ['connectFailure', 'reset'],
      statuses: [],
      grpcCodes: [],
      methods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'],
      backoff: '25ms',
      maxBackoff: '250ms',
      maxBodySize: '64KiB',
    });
  });

  it('takes sources of every kind', () => {
    for (const by of [
      'address',
      'route',
      'path',
      'header:X-User',
      'query:room id',
      'cookie:sid',
      'consumer',
      'claim:org.id',
    ])
      assert.deepEqual(service({ affinity: { by } }), [], by);
  });

  const bad: [string, Problem[], string][] = [
    ['a source of no kind', service({ affinity: { by: 'ip' } }), '/spec/affinity/by bad_format'],
    ['a header that is none', service({ affinity: { by: 'header:a b' } }), '/spec/affinity/by bad_format'],
    ['a source without name', service({ affinity: { by: 'query:' } }), '/spec/affinity/by bad_format'],
    ['two affinities', route({ affinity: { by: 'path', cookie: {} } }), '/spec/affinity exclusive'],
    ['no affinity', route({ affinity: {} }), '/spec/affinity missing'],
    [
      'a cookie with a bad name',
      service({ affinity: { cookie: { name: 'a;b' } } }),
      '/spec/affinity/cookie/name bad_format',
    ],
    [
      'consistentHash of nothing',
      service({ loadBalancing: { policy: 'consistentHash' } }),
      '/spec/loadBalancing/hash missing (such as "header:x-user-id")',
    ],
    [
      'a hash that nobody uses',
      service({ loadBalancing: { hash: 'path' } }),
      '/spec/loadBalancing/hash not_allowed_here (write policy: consistentHash)',
    ],
    [
      'a bound without hash',
      service({ loadBalancing: { policy: 'random', boundedLoadPercent: 125 } }),
      '/spec/loadBalancing/boundedLoadPercent not_allowed_here',
    ],
    [
      'a bound below the mean',
      service({ loadBalancing: { policy: 'consistentHash', hash: 'path', boundedLoadPercent: 100 } }),
      '/spec/loadBalancing/boundedLoadPercent out_of_range (more than 100, such as 125)',
    ],
    [
      'a quoted status',
      route({ retry: { statuses: ['503'] } }),
      '/spec/retry/statuses/0 bad_format (write it without quotes: 503)',
    ],
    ['no class', route({ retry: { statuses: ['1xx'] } }), '/spec/retry/statuses/0 bad_format'],
    ['too many attempts', route({ retry: { attempts: 6 } }), '/spec/retry/attempts out_of_range'],
    [
      'a backoff that shrinks',
      route({ retry: { backoff: '1s' } }),
      '/spec/retry/backoff out_of_range (raise maxBackoff too)',
    ],
    [
      'a try that is longer than the request',
      route({ timeouts: { request: '1s', backendRequest: '2s' } }),
      '/spec/timeouts/backendRequest out_of_range',
    ],
    [
      'gRPC over HTTP/1.1',
      service({ healthCheck: { active: { type: 'grpc' } } }),
      '/spec/healthCheck/active/type not_allowed_here (write protocol: grpc, grpcs, h2c or h2)',
    ],
    [
      'bodies that nobody could keep',
      route({ retry: { maxBodySize: '1GiB' } }),
      '/spec/retry/maxBodySize out_of_range',
    ],
    [
      'a window that is too short to count in',
      service({ retryBudget: { window: '10ms' } }),
      '/spec/retryBudget/window out_of_range',
    ],
    [
      'a check without a path',
      service({ healthCheck: { active: { path: 'healthz' } } }),
      '/spec/healthCheck/active/path bad_format',
    ],
    [
      'a check without time',
      service({ healthCheck: { active: { interval: '0s' } } }),
      '/spec/healthCheck/active/interval out_of_range',
    ],
  ];
  bad.push(
    [
      'bodies that fill the memory',
      route({ retry: { maxBodySize: '17MiB' } }),
      '/spec/retry/maxBodySize out_of_range',
    ],
    [
      'copies of bodies that fill the memory',
      route({ filters: [{ mirror: { service: 'b', maxBodySize: '16385KiB' } }] }),
      '/spec/filters/0/mirror/maxBodySize out_of_range',
    ],
    [
      'a budget over no time',
      service({ retryBudget: { window: '999ms' } }),
      '/spec/retryBudget/window out_of_range',
    ],
    [
      'a cookie that no browser takes',
      service({ affinity: { cookie: { name: '__Host-a', path: '/a' } } }),
      '/spec/affinity/cookie/name not_allowed_here',
    ],
    [
      'a check that asks for a tunnel',
      service({ healthCheck: { active: { method: 'CONNECT' } } }),
      '/spec/healthCheck/active/method not_allowed_here',
    ],
    [
      'a check for a text in no body',
      service({ healthCheck: { active: { method: 'HEAD', body: 'ok' } } }),
      '/spec/healthCheck/active/body not_allowed_here (write method: GET)',
    ],
    [
      'a check that writes the framing',
      service({ healthCheck: { active: { headers: { Connection: 'close' } } } }),
      '/spec/healthCheck/active/headers/connection not_allowed_here',
    ],
    [
      'an ejection that is longer than the longest',
      service({ healthCheck: { passive: { ejectFor: '10m' } } }),
      '/spec/healthCheck/passive/maxEjectFor out_of_range',
    ],
  );
  it('takes the largest bodies and the shortest windows', () => {
    const largest = {
      retry: { maxBodySize: '16MiB' },
      filters: [{ mirror: { service: 'b', maxBodySize: '16MiB' } }],
    };
    assert.deepEqual(route(largest), []);
    assert.deepEqual(service({ retryBudget: { window: '1s' } }), []);
  });

  for (const [what, problems, expected] of bad)
    it(`refuses ${what}`, () => {
      assert.equal(brief(problems), expected);
    });
});
