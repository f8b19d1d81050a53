import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runAtOnce } from '@causeway/runtime/work-slices';

import { requestParts, told } from '../testing/request-parts.ts';
import { OpenApi } from './open-api.ts';

const reference = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
const member = (name: string, schema: object): object => ({ type: 'object', properties: { [name]: schema } });
const either = [reference('Cat'), reference('Dog')];

const Pet = { type: 'object', required: ['petType'], properties: { petType: { type: 'string' } } };
const Cat = { allOf: [reference('Pet'), { required: ['huntingSkill'], ...member('huntingSkill', {}) }] };
const Dog = { allOf: [reference('Pet'), { required: ['packSize'], ...member('packSize', { minimum: 1 }) }] };

/** Judges bodies by a schema of a document with these components. */
function judging(schema: object, schemas: object, openapi = '3.0.3') {
  const content = { 'application/json': { schema } };
  const rules = new OpenApi({
    openapi,
    paths: { '/a': { post: { requestBody: { content } } } },
    components: { schemas },
  });
  runAtOnce(rules.check());
  const sent = { method: 'POST', path: '/a', headers: { 'content-type': 'application/json' } };
  return (value: unknown): string[] => {
    const body = JSON.stringify(value);
    return told(rules, requestParts({ ...sent, body }), body);
  };
}

describe('a discriminator', () => {
  for (const key of ['oneOf', 'anyOf'])
    it(`decides by which alternative of ${key} an object is judged`, () => {
      const discriminator = { propertyName: 'petType' };
      const judge = judging({ [key]: either, discriminator }, { Pet, Cat, Dog });
      assert.deepEqual(judge({ petType: 'Cat', huntingSkill: 1 }), []);
      assert.deepEqual(judge({ petType: 'Dog', packSize: 1 }), []);
      assert.deepEqual(judge({ petType: 'Cat', packSize: 1 }), ['body /huntingSkill: is missing']);
      assert.deepEqual(judge({ petType: 'Dog', huntingSkill: 1 }), ['body /packSize: is missing']);
      assert.deepEqual(judge({ petType: 'Pet' }), ['body /petType: must say which it is: Cat, Dog']);
      assert.deepEqual(judge({ huntingSkill: 1, packSize: 1 }), [
        'body /petType: must say which it is: Cat, Dog',
      ]);
      assert.notDeepEqual(judge([]), []);
      assert.notDeepEqual(judge({ petType: 7 }), []);
    });

  it('reads its mapping, as references or names, and the values that alternatives allow', () => {
    const mapping = { kitty: '#/components/schemas/Cat', puppy: 'Dog', bird: 'Bird' };
    const mapped = { oneOf: either, discriminator: { propertyName: 'petType', mapping } };
    const judge = judging({ properties: { pets: { type: 'array', items: mapped } } }, { Pet, Cat, Dog });
    assert.deepEqual(judge({ pets: [{ petType: 'kitty', huntingSkill: 1 }] }), []);
    assert.deepEqual(judge({ pets: [{ petType: 'puppy', packSize: 0 }] }), [
      'body /pets/0/packSize: must be >= 1',
    ]);
    assert.deepEqual(judge({ pets: [{ petType: 'bird' }] }), [
      'body /pets/0/petType: must say which it is: kitty, Cat, puppy, Dog',
    ]);
    const valued = judging(
      {
        oneOf: [{ ...member('t', { const: 'a' }), maxProperties: 1 }, reference('B')],
        discriminator: { propertyName: 't' },
      },
      { B: { ...member('t', { type: 'string', enum: ['b', 'c'] }), required: ['x'] } },
      '3.1.0',
    );
    assert.deepEqual(valued({ t: 'a' }), []);
    assert.deepEqual(valued({ t: 'a', x: 1 }), ['body : must NOT have more than 1 properties']);
    assert.deepEqual(valued({ t: 'c' }), ['body /x: is missing']);
    assert.deepEqual(valued({ t: 'B' }), ['body /t: must say which it is: a, b, c']);
  });

  it('lets be what is no object', () => {
    const discriminator = { propertyName: 'petType' };
    const flat = { oneOf: [...either, { type: 'null' }], discriminator };
    for (const judge of [
      judging(flat, { Pet, Cat, Dog }, '3.1.0'),
      judging({ oneOf: either, nullable: true, discriminator }, { Pet, Cat, Dog }),
    ]) {
      assert.deepEqual(judge(null), []);
      assert.deepEqual(judge({ petType: 'Dog', packSize: 1 }), []);
      assert.notDeepEqual(judge({}), []);
      assert.notDeepEqual(judge('x'), []);
    }
  });

  it('of a base holds for the schemas that allOf makes of it, wherever the base is referred to', () => {
    const base = { ...Pet, discriminator: { propertyName: 'petType', mapping: { kitty: 'Cat' } } };
    const Puppy = { allOf: [reference('Dog'), { required: ['age'] }] };
    const judge = judging(member('pet', { allOf: [reference('Pet')] }), { Pet: base, Cat, Dog, Puppy });
    const pet = (value: object) => judge({ pet: value });
    assert.deepEqual(pet({ petType: 'kitty', huntingSkill: 1 }), []);
    assert.deepEqual(pet({ petType: 'Dog' }), ['body /pet/packSize: is missing']);
    assert.deepEqual(pet({ petType: 'Puppy', age: 1 }), ['body /pet/packSize: is missing']);
    assert.deepEqual(pet({ petType: 'Puppy', age: 1, packSize: 1 }), []);
    assert.deepEqual(pet({ petType: 'Pet' }), []);
    assert.deepEqual(pet({ petType: 'cow' }), [
      'body /pet/petType: must say which it is: kitty, Cat, Dog, Puppy, Pet',
    ]);
    const direct = judging(reference('Cat'), { Pet: base, Cat, Dog });
    assert.deepEqual(direct({ petType: 'x', huntingSkill: 1 }), []);
  });

  it('of a base that lists its heirs leads in no circle, and asks the most particular for values', () => {
    const cyclic = { ...Pet, oneOf: either, discriminator: { propertyName: 'petType' } };
    const judge = judging(reference('Pet'), { Pet: cyclic, Cat, Dog });
    assert.deepEqual(judge({ petType: 'Dog', packSize: 1 }), []);
    assert.deepEqual(judge({ petType: 'Dog' }), ['body /packSize: is missing']);
    const base = { ...member('t', { enum: ['a', 'b'] }), discriminator: { propertyName: 't' } };
    const heir = (value: string) => ({
      allOf: [reference('Base'), { ...member('t', { enum: [value] }), required: [value] }],
    });
    const valued = judging(reference('Base'), { Base: base, A: heir('a'), B: heir('b') });
    assert.deepEqual(valued({ t: 'a', a: 1 }), []);
    assert.deepEqual(valued({ t: 'b' }), ['body /b: is missing']);
    assert.equal(valued({ t: 'Base' })[0], 'body /t: must say which it is: a, b');
  });

  it('is refused with a mapping to nothing, and lets alternatives alone that it cannot tell apart', () => {
    const mapping = { cow: '#/components/schemas/Cow' };
    const base = { ...Pet, discriminator: { propertyName: 'petType', mapping } };
    assert.throws(() => judging(reference('Pet'), { Pet: base, Cat, Dog }), {
      message: 'a mapping to nothing in the document',
      pointer: '/components/schemas/Pet/discriminator/mapping/cow',
    });
    const inline = {
      oneOf: [member('a', { type: 'string' }), { required: ['b'] }],
      discriminator: { propertyName: 't' },
    };
    assert.deepEqual(judging(inline, {})({ a: 1, b: 1 }), []);
  });
});
