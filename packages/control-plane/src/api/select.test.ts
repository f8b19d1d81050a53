import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiError } from './api-error.ts';
import { parseEqualities, parseFieldSelector, parseLabelSelector } from './select.ts';

const labels = { team: 'shop', tier: 'web', 'example.com/role': 'edge', empty: '' };

const selectors: [string, boolean][] = [
  ['team=shop', true],
  ['team==shop', true],
  ['team = shop', true],
  ['team=other', false],
  ['missing=shop', false],
  ['team!=shop', false],
  ['team!=other', true],
  ['missing!=x', true],
  ['team in (shop,other)', true],
  ['team in (other)', false],
  ['missing in (shop)', false],
  ['team notin (shop)', false],
  ['team notin (other, third)', true],
  ['missing notin (shop)', true],
  ['team', true],
  ['missing', false],
  ['!team', false],
  ['!missing', true],
  ['team=shop,tier in (web,api),!missing', true],
  ['team=shop,tier=api', false],
  ['example.com/role=edge', true],
  ['empty=', true],
  ['team=', false],
  ['constructor', false],
];

const malformedSelectors = [
  '',
  '=',
  'a=b=c',
  'a b',
  '!a=b',
  'a in b',
  'a in (b',
  'a=b,',
  ',a',
  'a>1',
  '__proto__',
  'ü=1',
  Array(33).fill('a').join(','),
];

describe('parseLabelSelector', () => {
  for (const [text, expected] of selectors)
    it(`${text} ${expected ? 'takes' : 'leaves'} the object`, () => {
      assert.equal(parseLabelSelector(text)(labels), expected);
    });

  it('takes an object without labels only for what asks for absence', () => {
    assert.equal(parseLabelSelector('!a')(undefined), true);
    assert.equal(parseLabelSelector('a!=b')(undefined), true);
    assert.equal(parseLabelSelector('a')(undefined), false);
    assert.equal(parseLabelSelector('a=b')(undefined), false);
  });

  it('answers 400 to what is no selector', () => {
    for (const text of malformedSelectors)
      assert.throws(
        () => parseLabelSelector(text),
        (error: unknown) => error instanceof ApiError && error.status === 400,
        text,
      );
  });
});

describe('parseEqualities', () => {
  const fields = ['route', 'node'] as const;

  it('gives the value of each field', () => {
    assert.deepEqual(parseEqualities('', fields), {});
    assert.deepEqual(parseEqualities('route=a/b, node == n-1 ', fields), { route: 'a/b', node: 'n-1' });
  });

  it('answers 400 for any other comparison, and for a field that stands twice', () => {
    for (const text of ['route!=a', 'route', 'route=', 'zone=a', 'route=a,route=b', ',', 'route=a,'])
      assert.throws(() => parseEqualities(text, fields), ApiError, text);
  });
});

describe('parseFieldSelector', () => {
  const select = (text: string): boolean =>
    parseFieldSelector(text, ['metadata.name'])((field) => (field === 'metadata.name' ? 'orders' : ''));

  it('compares the fields that it may', () => {
    assert.equal(select('metadata.name=orders'), true);
    assert.equal(select('metadata.name==other'), false);
    assert.equal(select('metadata.name!=other'), true);
    assert.equal(select('metadata.name=orders,metadata.name!=orders'), false);
  });

  it('answers 400 for any other field', () => {
    for (const text of ['spec.hosts=a', 'metadata.name', '', 'metadata.name>1'])
      assert.throws(() => select(text), ApiError, text);
  });
});
