import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkApiSpec, checkApiSpecInSteps } from './check-schemas.ts';

const length = 50;
const document = (type: string) => ({
  openapi: '3.1.0',
  paths: {},
  components: { schemas: Object.fromEntries(Array.from({ length }, (_, index) => [`S${index}`, { type }])) },
});

describe('an OpenAPI document that is written', () => {
  it('is checked one schema a step, and once', (context) => {
    const spec = { document: document('integer') };
    assert.ok([...checkApiSpecInSteps(spec)].length > length);
    // The compiler makes functions of text.
    const compile = context.mock.method(globalThis, 'Function');
    assert.deepEqual(checkApiSpec(structuredClone(spec)), []);
    assert.equal(compile.mock.callCount(), 0);
  });

  it('keeps what is wrong with it', () => {
    const spec = { document: document('text') };
    for (const _ of [1, 2])
      assert.deepEqual(
        checkApiSpec(spec).map(({ pointer }) => pointer),
        ['/spec/document/components/schemas/S0/type'],
      );
  });
});
