import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { SharedMap } from './shared-map.ts';
import { sharedDelete, sharedGet, sharedSet, sharedValues } from './shared-map.ts';

const key = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', ''),
  fc.nat(400).map(String),
  // Alike in all that is hashed, so that they share one leaf.
  fc.nat(40).map((n) => 'x'.repeat(48) + String(n).padStart(3, '0')),
);

test('property: it holds what a Map holds, and every older version stays as it was', () => {
  const edits = fc.array(fc.tuple(fc.boolean(), key), { maxLength: 400 });
  fc.assert(
    fc.property(fc.array(edits, { maxLength: 4 }), (rounds) => {
      let map: SharedMap<{ n: number }> | undefined;
      const model = new Map<string, { n: number }>();
      const versions: [SharedMap<{ n: number }> | undefined, Map<string, { n: number }>][] = [];
      for (const [round, changes] of rounds.entries()) {
        const token = { edit: true } as const;
        const value = { n: round };
        for (const [isSet, name] of changes) {
          map = isSet ? sharedSet(map, name, value, token) : sharedDelete(map, name, token);
          if (isSet) model.set(name, value);
          else model.delete(name);
        }
        versions.push([map, new Map(model)]);
      }
      for (const [version, expected] of versions) {
        for (const [name, value] of expected) assert.equal(sharedGet(version, name), value);
        assert.equal([...sharedValues(version)].length, expected.size);
      }
    }),
    { numRuns: 200 },
  );
});

test('nothing is left of a map whose keys are all deleted', () => {
  const token = { edit: true } as const;
  let map: SharedMap<{ n: number }> | undefined;
  for (let n = 0; n < 5000; n++) map = sharedSet(map, `key-${n}`, { n }, token);
  for (let n = 0; n < 5000; n++) map = sharedDelete(map, `key-${n}`, token);
  assert.equal(map, undefined);
});
