import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runAtOnce } from '@causeway/runtime/work-slices';

import { requestParts, told } from '../testing/request-parts.ts';
import { OpenApi } from './open-api.ts';

const integer = { type: 'integer' };
const texts = { type: 'array', items: { type: 'string', maxLength: 3 } };
const misspelt = 'is spelled with brackets otherwise than the document has it';

/** Judges queries of an operation with these parameters. */
function judging(...parameters: object[]) {
  const rules = new OpenApi({
    openapi: '3.1.0',
    paths: { '/a': { get: { parameters: parameters.map((each) => ({ in: 'query', ...each })) } } },
  });
  runAtOnce(rules.check());
  return (query: string): string[] => told(rules, requestParts({ path: '/a', query }), undefined);
}

describe('a parameter of style deepObject', () => {
  const filter = {
    type: 'object',
    properties: {
      gt: integer,
      untyped: { properties: { x: integer } },
      tags: texts,
      sub: { type: 'object', properties: { x: integer }, additionalProperties: false },
      all: { type: 'array', items: { type: 'object', required: ['id'], properties: { id: integer } } },
    },
  };
  const judge = judging({ name: 'f', style: 'deepObject', schema: filter });

  it('may hold lists and objects within objects', () => {
    for (const query of [
      'f[gt]=1&f[tags]=a&f[tags]=b',
      'f[tags][]=a&f[tags][]=b',
      'f%5Btags%5D%5B0%5D=a&f%5Btags%5D%5B1%5D=b',
      'f[tags]=a',
      'f[sub][x]=1&g[sub][x]=a',
      'f[all][0][id]=1&f[all][0][n]=a&f[all][1][id]=2',
      '',
    ])
      assert.deepEqual(judge(query), [], query);
    assert.deepEqual(judge('f[tags][]=a&f[tags][]=long'), [
      'query f /tags/1: must NOT have more than 3 characters',
    ]);
    assert.deepEqual(judge('f[sub][x]=a'), ['query f /sub/x: must be integer']);
    assert.deepEqual(judge('f[sub][y]=1'), ['query f /sub/y: is not a known member']);
    assert.deepEqual(judge('f[all][0][id]=a'), ['query f /all/0/id: must be integer']);
  });

  it('is refused in any spelling that could be read otherwise', () => {
    const cases: [query: string, detail: string][] = [
      ['f=1', ': must be object'],
      ['f[gt=1', `: ${misspelt}`],
      ['f[gt]x=1', `: ${misspelt}`],
      ['f[a[gt]]=1', `: ${misspelt}`],
      ['f[]=1', ': has a member without a name'],
      ['f[gt]=1&f[gt]=2', '/gt: stands there more than once'],
      ['f[gt][]=1', `/gt: ${misspelt}`],
      ['f[untyped]=1', '/untyped: must be object'],
      ['f[sub]=1&f[sub][x]=1', '/sub: is both a value and members'],
      ['f[tags][1]=a', '/tags: has entries that are not numbered from 0 on'],
      ['f[tags][]=a&f[tags][0]=b', '/tags: has entries that are not numbered from 0 on'],
      ['f[all][][id]=1', '/all: has entries that are not numbered from 0 on'],
      [`f${'[a]'.repeat(17)}=1`, ': is nested too deeply'],
    ];
    for (const [query, detail] of cases) assert.deepEqual(judge(query), [`query f ${detail}`], query);
  });

  it('may be a list, or a single value beside an object', () => {
    const expand = judging({ name: 'expand', style: 'deepObject', schema: texts });
    for (const query of ['expand[]=a', 'expand[]=a&expand[]=b', 'expand[0]=a&expand[1]=b', 'expand=a'])
      assert.deepEqual(expand(query), [], query);
    assert.deepEqual(expand('expand[0]=long'), ['query expand /0: must NOT have more than 3 characters']);
    const created = judging({
      name: 'created',
      style: 'deepObject',
      schema: { anyOf: [{ type: 'object', properties: { gt: integer } }, integer] },
    });
    assert.deepEqual([created('created=1'), created('created[gt]=1')], [[], []]);
    assert.notDeepEqual(created('created=a'), []);
    assert.notDeepEqual(created('created[gt]=a'), []);
  });

  it('may hold trees', () => {
    const tree = {
      type: 'object',
      properties: { value: integer, next: { $ref: '#/components/schemas/Tree' } },
    };
    const rules = new OpenApi({
      openapi: '3.1.0',
      paths: {
        '/a': {
          get: {
            parameters: [
              { name: 't', in: 'query', style: 'deepObject', schema: { $ref: '#/components/schemas/Tree' } },
            ],
          },
        },
      },
      components: { schemas: { Tree: tree } },
    });
    const query = 't[value]=1&t[next][next][value]=a';
    assert.deepEqual(told(rules, requestParts({ path: '/a', query }), undefined), [
      'query t /next/next/value: must be integer',
    ]);
  });
});

describe('a parameter of the query', () => {
  it('is refused with brackets that the document does not ask for', () => {
    const judge = judging({ name: 'id', schema: integer }, { name: 'id[x]', schema: integer });
    assert.deepEqual(judge('id=1&id[x]=1&other[]=a'), []);
    for (const query of ['id[]=1', 'id%5b0%5d=1', 'id[y]=1'])
      assert.deepEqual(judge(query), [`query id : ${misspelt}`], query);
  });

  it('may be empty where the document allows that', () => {
    const judge = judging({ name: 'p', required: true, allowEmptyValue: true, schema: integer });
    assert.deepEqual([judge('p='), judge('p'), judge('p=1')], [[], [], []]);
    assert.deepEqual(judge('p=a'), ['query p : must be integer']);
    assert.deepEqual(judge(''), ['query p : is missing']);
  });

  it('may have its delimiters escaped', () => {
    const judge = judging({ name: 'ids', explode: false, schema: { type: 'array', items: integer } });
    assert.deepEqual([judge('ids=1,2'), judge('ids=1%2C2'), judge('ids=1%2c2,3')], [[], [], []]);
    assert.deepEqual(judge('ids=1%2Ca'), ['query ids /1: must be integer']);
    assert.deepEqual(judge('ids=1%252C2'), ['query ids /0: must be integer']);
  });

  it('that spreads an object may repeat its lists', () => {
    const judge = judging({ name: 'o', schema: { type: 'object', properties: { l: texts, n: integer } } });
    assert.deepEqual([judge('l=a&n=1'), judge('l=a&l=b')], [[], []]);
    assert.deepEqual(judge('l=a&l=long'), ['query o /l/1: must NOT have more than 3 characters']);
    assert.deepEqual(judge('n=1&n=2'), ['query o /n: stands there more than once']);
  });
});
