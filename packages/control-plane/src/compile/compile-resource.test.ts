import assert from 'node:assert/strict';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { type DescMessage, toJson } from '@bufbuild/protobuf';
import type { Spec } from '@causeway/model/resource';
import { effectiveSpec, validateDocument } from '@causeway/model/validate-document';
import { kindNamed } from '@causeway/model/kinds/registry';
import { type Compiled, compiledKinds, encodeItem } from '@causeway/proto/compiled';
import { digestText } from '@causeway/proto/digest';
import { EndpointSetSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { staticEndpoints } from '../registry/static-endpoints.ts';
import { type Entry, entryOf } from '../store/resource-index.ts';
import { compileResource } from './compile-resource.ts';
import { compileRoute } from './compile-route.ts';

const goldenDirectory = join(import.meta.dirname, 'golden');
/** Writes the golden files anew instead of comparing with them. */
const update = process.env['UPDATE_GOLDEN'] === '1';

function entryFrom(document: unknown): Entry {
  const { manifest, problems } = validateDocument(document);
  assert.deepEqual(problems, undefined);
  const { apiVersion, kind, metadata, spec } = manifest;
  const set = {
    uid: 'uid',
    resourceVersion: '7',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00.000Z',
  };
  return entryOf({ apiVersion, kind, metadata: { ...metadata, ...set }, spec }, '2026-01-01T00:00:00.000Z');
}

const compile = (entry: Entry): Compiled => compileResource(entry, 'default')!;

function readable(entry: Entry): unknown {
  const compiled = compile(entry);
  const item = encodeItem(compiled);
  return {
    key: item.key,
    schemaVersion: item.schemaVersion,
    digest: digestText(item.digest),
    value: toJson(compiledKinds[compiled.kind].schema as DescMessage, compiled.value),
    ...(compiled.kind === 'service' ? { endpoints: toJson(EndpointSetSchema, staticEndpoints(entry)) } : {}),
  };
}

describe('compiled resources', () => {
  for (const file of globSync('*.yaml', { cwd: goldenDirectory }).toSorted()) {
    it(`are as ${basename(file, '.yaml')}.json has them`, () => {
      const golden = join(goldenDirectory, file.replace('.yaml', '.json'));
      const compiled = `${JSON.stringify(readable(entryFrom(parse(readFileSync(join(goldenDirectory, file), 'utf8')))), null, 2)}\n`;
      if (update) writeFileSync(golden, compiled);
      assert.equal(compiled, readFileSync(golden, 'utf8'), 'UPDATE_GOLDEN=1 writes it anew');
    });
  }

  it('have equal bytes for equal resources, however they are written (invariant 4)', () => {
    for (const file of globSync('*.yaml', { cwd: goldenDirectory })) {
      const document = parse(readFileSync(join(goldenDirectory, file), 'utf8')) as {
        kind: string;
        spec: Spec;
      };
      const bytes = encodeItem(compile(entryFrom(document))).bytes;
      const defaulted = { ...document, spec: effectiveSpec(kindNamed(document.kind)!, document.spec) };
      assert.deepEqual(encodeItem(compile(entryFrom(defaulted))).bytes, bytes, `${file} with its defaults`);
      fc.assert(
        fc.property(fc.infiniteStream(fc.nat()), (order) => {
          const shuffled = withKeysShuffled(document, () => order.next().value as number);
          assert.deepEqual(encodeItem(compile(entryFrom(shuffled))).bytes, bytes);
        }),
        { numRuns: 20 },
      );
    }
  });

  it('do not change what they are compiled from', () => {
    const entry = entryFrom(parse(readFileSync(join(goldenDirectory, 'route-full.yaml'), 'utf8')));
    const before = JSON.stringify(entry);
    compile(entry);
    assert.equal(JSON.stringify(entry), before);
  });
});

describe('compileRoute', () => {
  const route = (gateways: string[]): Entry =>
    entryFrom({
      apiVersion: 'causeway/v1',
      kind: 'Route',
      metadata: { name: 'r' },
      spec: { gateways, backends: [{ service: 'a' }] },
    });
  const listeners = (gateways: string[], gateway: string): unknown =>
    (compileRoute(route(gateways), gateway).value as { listeners: string[] }).listeners;

  it('names the listeners of the Gateway it is compiled for; none means all of them', () => {
    const gateways = ['edge/a', 'edge/b', 'inner', 'outer/c'];
    assert.deepEqual(listeners(gateways, 'edge'), ['a', 'b']);
    assert.deepEqual(listeners(gateways, 'inner'), []);
    assert.deepEqual(listeners(gateways, 'outer'), ['c']);
    assert.deepEqual(listeners(['edge/a', 'edge'], 'edge'), []);
  });
});

function withKeysShuffled(value: unknown, next: () => number): unknown {
  if (Array.isArray(value)) return value.map((entry) => withKeysShuffled(entry, next));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, entry]) => ({ key, entry, rank: next() }));
  return Object.fromEntries(
    entries.toSorted((a, b) => a.rank - b.rank).map(({ key, entry }) => [key, withKeysShuffled(entry, next)]),
  );
}
