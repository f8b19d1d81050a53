import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type FilterItem,
  FilterItemSchema,
  TemplateSource,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';
import { plainFilters } from '../testing/shared-build.ts';
import { buildFilters } from './build-filters.ts';
import { RouteFilters, SharedFilters } from './route-filters.ts';

type Item = NonNullable<MessageInitShape<typeof FilterItemSchema>['item']>;

const item = (name: string, phase: number, value: Item): FilterItem =>
  create(FilterItemSchema, { name, phase, item: value });
const respond = (name: string, phase = 5): FilterItem =>
  item(name, phase, { case: 'respond', value: { status: 200, body: {} } });
const removal = (name: string): FilterItem => item(name, 0, { case: 'disabled', value: true });
const middleware = (name: string): FilterItem => item('', 0, { case: 'middleware', value: name });

function shared(gateway: FilterItem[], middlewares: Record<string, FilterItem[]> = {}): SharedFilters {
  const built = Object.entries(middlewares).map(
    ([name, items]) => [name, buildFilters(items, plainFilters)] as const,
  );
  return new SharedFilters(buildFilters(gateway, plainFilters), new Map(built));
}

const names = (own: FilterItem[], from: SharedFilters): string[] | undefined =>
  new RouteFilters(own, plainFilters).chainIn(from)?.filters.map(({ name }) => name);

/** Whose body is one variable. */
function withSource(source: TemplateSource): FilterItem {
  const part = { part: { case: 'variable', value: { source } } } as const;
  return create(FilterItemSchema, {
    name: 'a',
    item: { case: 'respond', value: { status: 200, body: { parts: [part] } } },
  });
}

describe('the chain of a Route', () => {
  it('is none at all without filters', () => {
    assert.equal(names([], shared([])), undefined);
    assert.equal(names([removal('a')], shared([respond('a')])), undefined);
  });

  it('has the filters of the Gateway, then those of the Route, Middlewares in their place', () => {
    const from = shared([middleware('default/m'), respond('c')], {
      'default/m': [respond('a'), respond('b')],
    });
    assert.deepEqual(names([], from), ['a', 'b', 'c']);
    assert.deepEqual(names([respond('d'), middleware('default/m'), respond('e')], from), [
      'a',
      'b',
      'c',
      'd',
      'e',
    ]);
  });

  it('is sorted by phase, and within a phase as it was written', () => {
    const from = shared([respond('late', 9), respond('one', 3)]);
    assert.deepEqual(names([respond('first', 1), respond('two', 3)], from), ['first', 'one', 'two', 'late']);
  });

  it('has the filter of the Route in place of the inherited one of its name', () => {
    const from = shared([respond('a', 3), respond('b', 3)]);
    const chain = new RouteFilters([respond('a', 3)], plainFilters).chainIn(from);
    assert.deepEqual(
      chain?.filters.map(({ name }) => name),
      ['a', 'b'],
    );
    const [inherited] = from.gateway;
    assert.ok(inherited?.kind === 'filter' && chain?.filters[0] !== inherited.filter);
    assert.ok(
      new RouteFilters([respond('c', 3)], plainFilters).chainIn(from)?.filters[0] === inherited.filter,
    );
  });

  it('has none that the Route removes, be it of the Gateway or of a Middleware', () => {
    const from = shared([respond('a')], { 'default/m': [respond('b')] });
    assert.deepEqual(names([middleware('default/m'), removal('b')], from), ['a']);
    assert.deepEqual(names([middleware('default/m'), removal('a')], from), ['b']);
  });

  it('is the same one for every request until what Routes share changes', () => {
    const [before, after] = [shared([respond('a')]), shared([respond('b')])];
    const filters = new RouteFilters([], plainFilters);
    const chain = filters.chainIn(before);
    assert.equal(filters.chainIn(before), chain);
    assert.notEqual(filters.chainIn(after), chain);
  });

  it('is refused when a Middleware is not there: without it the Route may be unprotected', () => {
    assert.throws(
      () => names([middleware('default/m')], shared([])),
      /middleware default\/m is not in the snapshot/,
    );
  });
});

describe('buildFilters', () => {
  it('makes of a compiled filter what runs', async () => {
    const [built] = buildFilters(
      [
        item('hello', 5, {
          case: 'respond',
          value: {
            status: 203,
            headers: [{ name: 'x-a', value: { parts: [{ part: { case: 'literal', value: '1' } }] } }],
            body: { parts: [{ part: { case: 'literal', value: 'hi' } }] },
          },
        }),
      ],
      plainFilters,
    );
    assert.ok(built?.kind === 'filter');
    assert.deepEqual([built.name, built.phase, built.filter.kind], ['hello', 5, 'respond']);
    const verdict = await built.filter.onRequestHead?.({} as never, undefined);
    assert.deepEqual(verdict, {
      kind: 'answer',
      status: 203,
      fields: ['x-a', '1'],
      body: Buffer.from('hi'),
    });
  });

  it('knows every source of a template that the control plane does', () => {
    const known = Object.values(TemplateSource).filter((source) => typeof source === 'number' && source > 0);
    for (const source of known) assert.equal(buildFilters([withSource(source)], plainFilters).length, 1);
  });

  it('refuses what it does not know as too old, and what is damaged as invalid', () => {
    const strange: FilterItem[] = [
      create(FilterItemSchema, { name: 'a' }),
      withSource(0),
      withSource(99 as TemplateSource),
      item('a', 1, { case: 'respond', value: { status: 200, body: { parts: [{}] } } }),
    ];
    for (const each of strange) assert.throws(() => buildFilters([each], plainFilters), UnknownChoice);
    const noBody = item('a', 1, { case: 'respond', value: { status: 200 } });
    assert.throws(() => buildFilters([noBody], plainFilters), /a template is missing/);
  });
});
