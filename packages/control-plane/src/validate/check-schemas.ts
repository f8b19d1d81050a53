/** Schemas of requests, judged by the compiler that nodes have: what it cannot compile must not reach one. */

import { hash } from 'node:crypto';
import type { ApiProblem } from '@causeway/model/api-types';
import type { FilterItem } from '@causeway/model/filters/filter-item';
import type { ApiSpecSpec } from '@causeway/model/kinds/api-spec';
import type { PluginSpec } from '@causeway/model/kinds/plugin';
import { runAtOnce, type Steps } from '@causeway/runtime/work-slices';
import { InlineRules } from '@causeway/schema/inline-rules';
import { jsonSchema } from '@causeway/schema/json-schema';
import { OpenApi } from '@causeway/schema/openapi/open-api';
import { SchemaFault } from '@causeway/schema/schema-fault';
import { documentOf } from '../compile/compile-api-spec.ts';

/** What is wrong with documents, by what they hold: checking one may take seconds. */
const checked = new Map<string, readonly ApiProblem[]>();
const checkedMax = 256;

/** At once where it was checked in steps before. */
export function checkApiSpec(spec: ApiSpecSpec): readonly ApiProblem[] {
  return runAtOnce(checkApiSpecInSteps(spec));
}

export function* checkApiSpecInSteps(spec: ApiSpecSpec): Steps<readonly ApiProblem[]> {
  const key = hash('sha256', JSON.stringify(spec.document));
  const known = checked.get(key);
  if (known !== undefined) return known;
  const problems: ApiProblem[] = [];
  try {
    const rules = yield* OpenApi.read(documentOf(spec));
    yield* rules.check();
  } catch (error) {
    problems.push(problemOf('/spec/document', error));
  }
  const [oldest] = checked.keys();
  if (oldest !== undefined && checked.size === checkedMax) checked.delete(oldest);
  checked.set(key, problems);
  return problems;
}

export function checkConfigSchema({ configSchema }: PluginSpec): ApiProblem[] {
  return faults('/spec/configSchema', () => jsonSchema(configSchema).check());
}

/** Those that stand in filters. */
export function checkSchemas({ filters }: { filters: readonly FilterItem[] }): ApiProblem[] {
  return filters.flatMap(({ validate }, index) =>
    (['query', 'headers', 'body'] as const).flatMap((part) => {
      const schema = validate?.[part];
      if (schema === undefined) return [];
      const pointer = `/spec/filters/${index}/validate/${part}`;
      return faults(pointer, () => new InlineRules({ [part]: schema }).check());
    }),
  );
}

function faults(pointer: string, check: () => void): ApiProblem[] {
  try {
    check();
    return [];
  } catch (error) {
    return [problemOf(pointer, error)];
  }
}

function problemOf(pointer: string, error: unknown): ApiProblem {
  if (!(error instanceof SchemaFault)) throw error;
  return { code: 'bad_format', pointer: pointer + error.pointer, detail: error.message };
}
