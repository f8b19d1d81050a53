import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gatewayKind } from '../kinds/gateway.ts';
import { middlewareKind } from '../kinds/middleware.ts';
import { routeKind } from '../kinds/route.ts';
import type { Problem } from '../problem.ts';
import { effectiveSpec, validateDocument } from '../validate-document.ts';
import { expandFilters } from './expand-filters.ts';
import { phaseRank } from './phases.ts';

function problemsOf(kind: string, spec: object): Problem[] {
  return validateDocument({ apiVersion: 'causeway/v1', kind, metadata: { name: 'a' }, spec }).problems ?? [];
}

const inRoute = (...filters: object[]): Problem[] =>
  problemsOf('Route', { filters, backends: [{ service: 'a' }] });
const inMiddleware = (...filters: object[]): Problem[] => problemsOf('Middleware', { filters });
const hello = { respond: { body: 'hello' } };

describe('a list of filters', () => {
  it('takes a filter, a Middleware, and the removal of an inherited filter', () => {
    assert.deepEqual(inRoute({ middleware: 'm' }, { name: 'auth', disabled: true }), []);
    assert.deepEqual(problemsOf('Route', { filters: [{ name: 'hi', disabled: false, ...hello }] }), []);
    assert.deepEqual(problemsOf('Gateway', { filters: [{ middleware: 'm' }, hello] }), []);
    assert.deepEqual(inMiddleware(hello, { name: 'auth', disabled: true }), []);
    assert.deepEqual(problemsOf('Middleware', {}), []);
    const fault = { faultInjection: { percent: 5, delay: '1s', abort: { reset: true } } };
    assert.deepEqual(
      inMiddleware(fault, { mirror: { service: 'a' } }, { name: 'b', mirror: { service: 'b' } }),
      [],
    );
  });

  const bad: [string, object[], string, string, RegExp?][] = [
    ['an empty entry', [{}], '/spec/filters/0', 'missing'],
    ['two filters in one entry', [{ grpcWeb: {}, ...hello }], '/spec/filters/0', 'exclusive'],
    [
      'a fault that does nothing',
      [{ faultInjection: { percent: 5 } }],
      '/spec/filters/0/faultInjection',
      'missing',
    ],
    [
      'a fault with two ends',
      [{ faultInjection: { abort: { status: 503, reset: true } } }],
      '/spec/filters/0/faultInjection/abort',
      'exclusive',
    ],
    [
      'a fault that ends in no reset',
      [{ faultInjection: { abort: { reset: false } } }],
      '/spec/filters/0/faultInjection/abort/reset',
      'not_allowed_here',
    ],
    ['a mirror to nowhere', [{ mirror: {} }], '/spec/filters/0/mirror/service', 'missing'],
    ['a name alone', [{ name: 'x' }], '/spec/filters/0', 'missing'],
    ['a Middleware with a filter', [{ middleware: 'm', ...hello }], '/spec/filters/0', 'exclusive'],
    ['a Middleware with a name', [{ middleware: 'm', name: 'x' }], '/spec/filters/0', 'exclusive'],
    ['a removal without a name', [{ disabled: true }], '/spec/filters/0', 'missing'],
    ['a removal with a filter', [{ name: 'x', disabled: true, ...hello }], '/spec/filters/0', 'exclusive'],
    [
      'a name twice',
      [
        { name: 'x', disabled: true },
        { name: 'x', disabled: true },
      ],
      '/spec/filters/1',
      'duplicate',
    ],
    ['a Middleware twice', [{ middleware: 'm' }, { middleware: 'm' }], '/spec/filters/1', 'duplicate'],
    [
      'enforcement of a Middleware',
      [{ middleware: 'm', enforcement: 'shadow' }],
      '/spec/filters/0',
      'not_allowed_here',
    ],
    [
      'enforcement of what refuses nothing',
      [{ respond: {}, enforcement: 'shadow' }],
      '/spec/filters/0',
      'not_allowed_here',
    ],
    ['a mistyped filter', [{ respnd: {} }], '/spec/filters/0/respnd', 'unknown_field', /"respond"/],
    [
      'the word of another gateway',
      [{ requestTermination: {} }],
      '/spec/filters/0/requestTermination',
      'unknown_field',
      /"respond"/,
    ],
  ];
  for (const [what, filters, pointer, code, hint] of bad) {
    it(`refuses ${what}`, () => {
      const [problem, ...more] = inRoute(...filters).filter((each) => each.pointer === pointer);
      assert.deepEqual(more, []);
      assert.equal(problem?.code, code, JSON.stringify(inRoute(...filters)));
      if (hint) assert.match(problem?.hint ?? '', hint);
    });
  }

  it('complains of an unknown filter once', () => {
    assert.deepEqual(
      inRoute({ lua: {} }).map(({ pointer }) => pointer),
      ['/spec/filters/0/lua'],
    );
  });

  it('takes 64 entries and no more', () => {
    const removals = (count: number): object[] =>
      Array.from({ length: count }, (_, index) => ({ name: `f${index}`, disabled: true }));
    assert.deepEqual(inMiddleware(...removals(64)), []);
    assert.equal(inMiddleware(...removals(65))[0]?.code, 'out_of_range');
  });

  it('finds by the words of other gateways', () => {
    for (const word of ['plugins', 'middlewares'])
      assert.equal(
        problemsOf('Route', { [word]: [], backends: [{ service: 'a' }] })[0]?.hint,
        'did you mean "filters"?',
      );
  });

  it('takes a filter once that may stand once, under whatever name', () => {
    const [problem] = inMiddleware({ name: 'one', ...hello }, { name: 'two', ...hello });
    assert.deepEqual([problem?.code, problem?.pointer], ['duplicate', '/spec/filters/1']);
    assert.match(problem?.detail ?? '', /respond may stand once, and filter "one" is one/);
  });

  it('does not nest Middlewares', () => {
    const [problem] = inMiddleware({ middleware: 'm' });
    assert.deepEqual([problem?.code, problem?.pointer], ['not_allowed_here', '/spec/filters/0/middleware']);
  });

  it('refers to Middlewares, from Routes and from Gateways', () => {
    const filters = [hello, { middleware: 'm' }];
    const expected = [{ pointer: '/spec/filters/1/middleware', kind: 'Middleware', name: 'm' }];
    assert.deepEqual(routeKind.references({ filters }).slice(-1), expected);
    assert.deepEqual(gatewayKind.references({ filters }), expected);
    assert.deepEqual(middlewareKind.references({ filters }), []);
  });
});

describe('backends of a Route', () => {
  it('are needed unless a filter answers, and not allowed with one', () => {
    assert.deepEqual(problemsOf('Route', { filters: [hello] }), []);
    for (const spec of [{}, { backends: [] }, { filters: [{ name: 'x', disabled: true }] }]) {
      const [problem, ...more] = problemsOf('Route', spec);
      assert.deepEqual([problem?.code, problem?.pointer, more], ['missing', '/spec/backends', []]);
    }
    const [problem] = inRoute({ name: 'hi', ...hello });
    assert.deepEqual([problem?.code, problem?.pointer], ['exclusive', '/spec/backends']);
    assert.match(problem?.detail ?? '', /filter "hi" answers every request/);
  });

  it('are not asked for where a Middleware may bring the filter that answers', () => {
    assert.deepEqual(problemsOf('Route', { filters: [{ middleware: 'm' }] }), []);
  });

  it('are asked for beside every other problem', () => {
    const found = problemsOf('Route', { hosts: 'a.com', filters: [{}] }).map(({ pointer }) => pointer);
    assert.deepEqual(found, ['/spec/backends', '/spec/filters/0', '/spec/hosts']);
  });
});

describe('respond', () => {
  const problem = (respond: object): Problem | undefined =>
    problemsOf('Route', { filters: [{ respond }] })[0];

  it('has defaults for all it takes', () => {
    const { filters } = effectiveSpec(routeKind, { filters: [{ respond: {} }] });
    assert.deepEqual(filters, [
      { enforcement: 'enforce', disabled: false, respond: { status: 200, headers: {}, body: '' } },
    ]);
  });

  const bad: [string, object, string, string][] = [
    ['an informational status', { status: 199 }, 'status', 'out_of_range'],
    ['a status that is none', { status: 600 }, 'status', 'out_of_range'],
    ['a body with 204', { status: 204, body: 'x' }, 'body', 'not_allowed_here'],
    ['a body with 205', { status: 205, body: 'x' }, 'body', 'not_allowed_here'],
    ['a body with 304', { status: 304, body: 'x' }, 'body', 'not_allowed_here'],
    ['an unknown variable', { body: '${request.pth}' }, 'body', 'bad_format'],
    ['an unknown variable in a header', { headers: { a: '${x}' } }, 'headers/a', 'bad_format'],
    ['a line end in a header', { headers: { a: 'x\r\ny: z' } }, 'headers/a', 'bad_format'],
    ['a header that is no token', { headers: { 'a b': 'x' } }, 'headers/a b', 'bad_format'],
    ['framing', { headers: { 'Content-Length': '5' } }, 'headers/Content-Length', 'not_allowed_here'],
    ['a header in two spellings', { headers: { 'x-a': '1', 'X-A': '2' } }, 'headers/X-A', 'duplicate'],
    ['a number for a body', { body: 5 }, 'body', 'wrong_type'],
    ['a body over its limit', { body: 'x'.repeat(65_537) }, 'body', 'out_of_range'],
    [
      'too many headers',
      { headers: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`x${i}`, ''])) },
      'headers',
      'out_of_range',
    ],
  ];
  for (const [what, respond, field, code] of bad) {
    it(`refuses ${what}`, () => {
      const found = problem(respond);
      assert.deepEqual([found?.pointer, found?.code], [`/spec/filters/0/respond/${field}`, code]);
    });
  }

  it('takes what is just within its limits', () => {
    const headers = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`x${i}`, '${request.id}']));
    assert.equal(problem({ status: 599, body: 'x'.repeat(65_536), headers }), undefined);
    assert.equal(problem({ status: 204 }), undefined);
  });
});

describe('expandFilters', () => {
  const items = effectiveSpec(middlewareKind, {
    filters: [{ name: 'gone', disabled: true }, { middleware: 'm' }, { middleware: 'nowhere' }, hello],
  }).filters;
  const brought = effectiveSpec(middlewareKind, { filters: [{ name: 'inner', ...hello }] }).filters;

  it('puts the filters of a Middleware where it is named, and says where each is from', () => {
    const expanded = expandFilters(items, 'route/default/r', (name) =>
      name === 'm' ? { key: 'middleware/default/m', filters: brought } : undefined,
    );
    assert.deepEqual(
      expanded.map(({ name, from, index, isRemoval, kind }) => [name, from, index, isRemoval, kind?.key]),
      [
        ['gone', 'route/default/r', 0, true, undefined],
        ['inner', 'middleware/default/m', 1, false, 'respond'],
        ['respond', 'route/default/r', 3, false, 'respond'],
      ],
    );
    assert.equal(expanded[1]?.rank, phaseRank('answer'));
  });
});

describe('what filters refer to', () => {
  it('are Middlewares and Services, also those of what is not valid', () => {
    const filters = [
      { middleware: 'm' },
      { mirror: { service: 's', percent: 'all' } },
      { mirror: {} },
      hello,
    ];
    assert.deepEqual(routeKind.references({ filters }), [
      { pointer: '/spec/filters/0/middleware', kind: 'Middleware', name: 'm' },
      { pointer: '/spec/filters/1/mirror/service', kind: 'Service', name: 's' },
    ]);
    assert.deepEqual(middlewareKind.references({ filters }), [
      { pointer: '/spec/filters/1/mirror/service', kind: 'Service', name: 's' },
    ]);
  });
});
