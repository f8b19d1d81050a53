/** The reference page of a kind: every field with type, default and meaning, from its JSON Schema. */
import type { JsonSchema } from '@causeway/model/json-schema';
import type { Kind } from '@causeway/model/kinds/kind';

export function fieldReference(kind: Kind, schema: JsonSchema): string {
  const words = [kind.plural, ...kind.shortNames].join(', ');
  const place = kind.namespaced ? 'in a namespace' : 'cluster-wide';
  const rows = [...fieldRows(schema.properties?.['spec'] ?? {}, 'spec')];
  return [
    `# ${kind.kind}`,
    '',
    `${kind.description} Stands ${place}; \`gwctl\` takes ${words}.`,
    '',
    '| field | type | default | meaning |',
    '|---|---|---|---|',
    ...rows.map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`),
    '',
  ].join('\n');
}

function* fieldRows(schema: JsonSchema, path: string): Generator<string[]> {
  const oneOf = schema.oneOf?.map((way) => way.required?.[0]).join(', ');
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    const here = `${path}.${name}`;
    const required = schema.required?.includes(name) ? ', required' : '';
    const standard = field.default === undefined ? '' : `\`${JSON.stringify(field.default)}\``;
    yield [`\`${here}\``, `${typeOf(field)}${required}`, standard, meaning(field, oneOf, name)];
    const inner = field.type === 'array' ? field.items : field;
    if (inner?.properties) yield* fieldRows(inner, field.type === 'array' ? `${here}[]` : here);
  }
}

function meaning(field: JsonSchema, oneOf: string | undefined, name: string): string {
  const text = field.description ?? '';
  return oneOf?.split(', ').includes(name) ? `${text} (one of ${oneOf})` : text;
}

function typeOf(field: JsonSchema): string {
  if (field.enum) return field.enum.map((value) => String(value)).join(', ');
  if (field.anyOf) return field.anyOf.map(typeOf).join(' or ');
  if (field.type === 'array') return `list of ${field.items ? typeOf(field.items) : 'values'}`;
  if (field.type === 'object' && !field.properties) return 'mapping';
  return field.type ?? 'value';
}
