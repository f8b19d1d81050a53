import type { ApiProblem } from '@causeway/model/api-types';
import type { FilterItem } from '@causeway/model/filters/filter-item';
import type { MiddlewareSpec } from '@causeway/model/kinds/middleware';
import type { PluginSpec } from '@causeway/model/kinds/plugin';
import { type JsonSchema, jsonSchema } from '@causeway/schema/json-schema';
import { SchemaFault } from '@causeway/schema/schema-fault';
import type { Entry, ResourceView } from '../store/resource-index.ts';

/** A schema may not fit many filters; more than so many are not told one by one. */
const spoiltMax = 20;
const keyPrefix = 'plugin/';

/**
 * Checks the configuration of plugins by the schemas of their Plugins: of what was written, and of what a written schema does not fit any more. That
 * problem stands at the Plugin. Code of a plugin runs on nodes alone.
 */
export function checkPlugins(planned: ResourceView, writtenKeys: readonly string[]): ApiProblem[] {
  const written = new Set(writtenKeys);
  const schemas = new Map<string, JsonSchema | undefined>();
  const schemaOf = (key: string): JsonSchema | undefined => {
    if (!schemas.has(key)) schemas.set(key, compiled(planned.get(key)));
    return schemas.get(key);
  };
  const own = writtenKeys.flatMap((key) => problemsOf(planned.get(key), schemaOf));
  const spoilt = writtenKeys
    .filter((key) => key.startsWith(keyPrefix))
    .flatMap((key) => [...planned.referrersOf(key)].map((user) => ({ key, user })))
    .filter(({ user }) => !written.has(user))
    .flatMap(({ key, user }) =>
      problemsOf(planned.get(user), (each) => (each === key ? schemaOf(key) : undefined)).map(
        ({ code, pointer, detail }): ApiProblem => ({
          resource: key,
          pointer: '/spec/configSchema',
          code,
          detail: `${user} ${pointer} ${detail}`,
        }),
      ),
    );
  return [...own, ...spoilt.slice(0, spoiltMax)];
}

/** Undefined for one that is not there, or is none: that is told elsewhere. */
function compiled(entry: Entry | undefined): JsonSchema | undefined {
  if (entry === undefined) return undefined;
  const schema = jsonSchema((entry.effective as PluginSpec).configSchema);
  try {
    schema.check();
    return schema;
  } catch (error) {
    if (error instanceof SchemaFault) return undefined;
    throw error;
  }
}

const kindsWithFilters = new Set(['Gateway', 'Route', 'Middleware']);

function problemsOf(
  entry: Entry | undefined,
  schemaOf: (key: string) => JsonSchema | undefined,
): ApiProblem[] {
  if (entry === undefined || !kindsWithFilters.has(entry.resource.kind)) return [];
  return (entry.effective as MiddlewareSpec).filters.flatMap(({ plugin }: FilterItem, index) => {
    if (plugin === undefined) return [];
    const { module, config } = plugin;
    const findings = schemaOf(keyPrefix + module)?.judge(config, JSON.stringify(config).length) ?? [];
    return findings.map(
      ({ pointer, detail }): ApiProblem => ({
        resource: entry.key,
        pointer: `/spec/filters/${index}/plugin/config${pointer}`,
        code: 'bad_format',
        detail,
        hint: `gwctl get plugin ${module} -o yaml shows the schema`,
      }),
    );
  });
}
