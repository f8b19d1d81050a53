import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runAtOnce } from '@causeway/runtime/work-slices';

import { requestParts, told } from '../testing/request-parts.ts';
import { OpenApi } from './open-api.ts';

const integer = { type: 'integer' };
const address = { type: 'object', properties: { no: integer }, additionalProperties: false };
const tags = { type: 'array', items: { enum: ['a', 'b'] } };
const misspelt = 'is spelled with brackets otherwise than the document has it';

/** Judges forms with these members. */
function judging(properties: object, encoding?: object) {
  const content = {
    'application/x-www-form-urlencoded': { schema: { type: 'object', properties }, encoding },
  };
  const rules = new OpenApi({
    openapi: '3.1.0',
    paths: { '/a': { post: { requestBody: { content } } } },
  });
  runAtOnce(rules.check());
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return (body: string): string[] =>
    told(rules, requestParts({ method: 'POST', path: '/a', headers, body }), body);
}

describe('a form', () => {
  it('has members in brackets where its encoding says deepObject, and nowhere else', () => {
    const deep = { style: 'deepObject', explode: true };
    const judge = judging({ address, tags, id: integer }, { address: deep, tags: deep });
    for (const body of ['address[no]=1', 'address%5Bno%5D=1&tags[]=a&tags[]=b&id=1', 'tags[0]=a', 'x[y]=1'])
      assert.deepEqual(judge(body), [], body);
    assert.deepEqual(judge('address[no]=a'), ['body /address/no: must be integer']);
    assert.deepEqual(judge('address[evil]=1'), ['body /address/evil: is not a known member']);
    assert.deepEqual(judge('tags[]=c'), ['body /tags/0: must be equal to one of the allowed values']);
    assert.deepEqual(judge('address=1'), ['body /address: must be object']);
    assert.deepEqual(judge('address[no=1'), [`body : ${misspelt}`]);
    assert.deepEqual(judge('id[]=1'), [`body /id: ${misspelt}`]);
    assert.deepEqual(judging({ address })('address[evil]=1'), [`body /address: ${misspelt}`]);
    assert.deepEqual(judging({ 'ids[]': tags })('ids[]=a&ids[]=b'), []);
  });

  it('has lists and objects in one text where its encoding says so', () => {
    const judge = judging(
      { tags, piped: tags, address, id: integer },
      {
        tags: { explode: false },
        piped: { style: 'pipeDelimited' },
        address: { explode: false },
        id: { explode: false },
      },
    );
    assert.deepEqual(judge('tags=a,b&piped=a|b&address=no,1&id=1'), []);
    assert.deepEqual(judge('tags=a%2Cb&piped=a%7Cb&tags2='), []);
    assert.deepEqual(judge('tags=a,c'), ['body /tags/1: must be equal to one of the allowed values']);
    assert.deepEqual(judge('tags=a&tags=b'), ['body /tags: stands there more than once']);
    assert.deepEqual(judge('address=evil,1'), ['body /address/evil: is not a known member']);
    assert.deepEqual(judge('id=a'), ['body /id: must be integer']);
  });

  it('has members in JSON: objects, and what its encoding says', () => {
    const list = { type: 'array', items: address };
    const judge = judging({ address, list, tags }, { tags: { contentType: 'application/json' } });
    for (const body of [
      'address=%7B%22no%22:1%7D',
      'list={"no":1}&list={"no":2}',
      'list=[{"no":1}]',
      'tags=["a"]',
    ])
      assert.deepEqual(judge(body), [], body);
    assert.deepEqual(judge('address={"no":"1"}'), ['body /address/no: must be integer']);
    assert.deepEqual(judge('list={"no":1}&list={"x":2}'), ['body /list/1/x: is not a known member']);
    assert.deepEqual(judge('tags=["c"]'), ['body /tags/0: must be equal to one of the allowed values']);
    assert.deepEqual(judge('tags=a'), ['body /tags: is not JSON']);
    assert.deepEqual(judge('address={"no":1,"no":2}'), ['body /address: has a key twice in one object']);
  });

  it('is refused by apply where it could not be judged', () => {
    assert.throws(
      () => judging({ address }, { address: { style: 'form' } }),
      /spread over a form cannot be judged/,
    );
    assert.throws(
      () => judging({ address }, { address: { style: 'matrix' } }),
      /style that forms do not have/,
    );
  });
});
