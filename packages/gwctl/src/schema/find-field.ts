import { unknownFieldHint } from '@causeway/model/hints';
import type { JsonSchema } from '@causeway/model/json-schema';
import { usage } from '../failure.ts';

export interface FoundField {
  /** Last word of the path; the kind itself has none. */
  name: string | undefined;
  schema: JsonSchema;
}

/** Walks `spec.matches.path` through a kind's schema; lists and maps are stepped through to what they hold. */
export function findField(kind: string, root: JsonSchema, path: readonly string[]): FoundField {
  let found: FoundField = { name: undefined, schema: root };
  for (const [index, name] of path.entries()) {
    const holder = elementOf(found.schema);
    const schema = holder.properties?.[name] ?? mapValue(holder);
    if (schema === undefined) {
      const names = Object.keys(holder.properties ?? {});
      const near = unknownFieldHint(name, names);
      const where = [kind.toLowerCase(), ...path.slice(0, index)].join('.');
      throw usage(
        `${where} has no field ${JSON.stringify(name)}${near === undefined ? '' : ` (${near})`}`,
        names.length === 0 ? undefined : `fields: ${names.join(', ')}`,
      );
    }
    found = { name, schema };
  }
  return found;
}

/** What a list holds, through lists of lists; anything else is itself. */
export function elementOf(schema: JsonSchema): JsonSchema {
  return schema.items === undefined ? schema : elementOf(schema.items);
}

/** What every value of a map is. */
export function mapValue({ additionalProperties }: JsonSchema): JsonSchema | undefined {
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}
