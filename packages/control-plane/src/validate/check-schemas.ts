/** Schemas of requests, judged by the compiler that nodes have: what it cannot compile must not reach one. */

import type { ApiProblem } from '@causeway/model/api-types';
import type { FilterItem } from '@causeway/model/filters/filter-item';
import type { ApiSpecSpec } from '@causeway/model/kinds/api-spec';
import type { PluginSpec } from '@causeway/model/kinds/plugin';
import { runAtOnce } from '@causeway/runtime/work-slices';
import { InlineRules } from '@causeway/schema/inline-rules';
import { jsonSchema } from '@causeway/schema/json-schema';
import { OpenApi } from '@causeway/schema/openapi/open-api';
import { SchemaFault } from '@causeway/schema/schema-fault';
import { documentOf } from '../compile/compile-api-spec.ts';

export function checkApiSpec(spec: ApiSpecSpec): ApiProblem[] {
  return faults('/spec/document', () => runAtOnce(new OpenApi(documentOf(spec)).check()));
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
    if (!(error instanceof SchemaFault)) throw error;
    const detail = error.message;
    return [{ code: 'bad_format', pointer: pointer + error.pointer, detail }];
  }
}
