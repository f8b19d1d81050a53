import type { ApiProblem } from '@causeway/model/api-types';
import type { FilterItem } from '@causeway/model/filters/filter-item';
import type { MiddlewareSpec } from '@causeway/model/kinds/middleware';
import type { PluginSpec } from '@causeway/model/kinds/plugin';
import type { ServiceSpec } from '@causeway/model/kinds/service';
import type { Problem } from '@causeway/model/problem';
import { type JsonSchema, jsonSchema } from '@causeway/schema/json-schema';
import { SchemaFault } from '@causeway/schema/schema-fault';
import type { Entry, ResourceView } from '../store/resource-index.ts';

/** One object may spoil many filters; more than so many are not told one by one. */
const spoiltMax = 20;
const kindsWithFilters = new Set(['Gateway', 'Route', 'Middleware']);

/** A filter that does not fit an object that it names. */
interface Misfit {
  /** Key of that object. */
  readonly target: string;
  readonly problem: Problem;
}

/**
 * Checks filters with the objects that they name: the configuration of plugins by the schemas of their Plugins (their code runs on nodes alone), and the
 * protocol of Services that are asked by gRPC. Of filters that were not written the problem stands at the object that was.
 */
export function checkFilterObjects(planned: ResourceView, writtenKeys: readonly string[]): ApiProblem[] {
  const written = new Set(writtenKeys);
  const check = new ObjectCheck(planned);
  const own = writtenKeys.flatMap((key) =>
    check.of(planned.get(key)).map(({ problem }): ApiProblem => ({ ...problem, resource: key })),
  );
  const spoilt = writtenKeys
    .filter((key) => key.startsWith('plugin/') || key.startsWith('service/'))
    .flatMap((key) =>
      [...planned.referrersOf(key)]
        .filter((user) => !written.has(user))
        .flatMap((user) =>
          check
            .of(planned.get(user))
            .filter(({ target }) => target === key)
            .map(({ problem: { code, pointer, detail } }): ApiProblem => {
              const place = key.startsWith('plugin/') ? '/spec/configSchema' : '/spec/protocol';
              return { resource: key, pointer: place, code, detail: `${user} ${pointer} ${detail}` };
            }),
        ),
    );
  return [...own, ...spoilt.slice(0, spoiltMax)];
}

class ObjectCheck {
  readonly #planned: ResourceView;
  /** By key of a Plugin; undefined for one that is not there, or is none: that is told elsewhere. */
  readonly #schemas = new Map<string, JsonSchema | undefined>();

  constructor(planned: ResourceView) {
    this.#planned = planned;
  }

  of(entry: Entry | undefined): Misfit[] {
    if (entry === undefined || !kindsWithFilters.has(entry.resource.kind)) return [];
    return (entry.effective as MiddlewareSpec).filters.flatMap((item, index) => [
      ...this.#ofPlugin(item, index),
      ...this.#ofExternalAuth(item, index, entry),
    ]);
  }

  #ofPlugin({ plugin }: FilterItem, index: number): Misfit[] {
    if (plugin === undefined) return [];
    const { module, config } = plugin;
    const target = `plugin/${module}`;
    const findings = this.#schemaOf(target)?.judge(config, JSON.stringify(config).length) ?? [];
    return findings.map(({ pointer, detail }) => ({
      target,
      problem: {
        pointer: `/spec/filters/${index}/plugin/config${pointer}`,
        code: 'bad_format',
        detail,
        hint: `gwctl get plugin ${module} -o yaml shows the schema`,
      },
    }));
  }

  #ofExternalAuth({ externalAuth }: FilterItem, index: number, entry: Entry): Misfit[] {
    if (externalAuth?.protocol !== 'grpc') return [];
    const pointer = `/spec/filters/${index}/externalAuth/service`;
    const target = entry.references.find((reference) => reference.pointer === pointer)?.target;
    const service = target === undefined ? undefined : this.#planned.get(target);
    if (target === undefined || service === undefined) return [];
    const { protocol } = service.effective as ServiceSpec;
    if (protocol !== 'http' && protocol !== 'https') return [];
    return [
      {
        target,
        problem: {
          pointer,
          code: 'not_allowed_here',
          detail: `${target} has protocol ${protocol}, which is HTTP/1.1, and gRPC is not`,
          hint: 'give the Service protocol h2c or h2',
        },
      },
    ];
  }

  #schemaOf(key: string): JsonSchema | undefined {
    if (!this.#schemas.has(key)) this.#schemas.set(key, compiled(this.#planned.get(key)));
    return this.#schemas.get(key);
  }
}

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
