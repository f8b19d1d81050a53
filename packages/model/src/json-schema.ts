import { z } from 'zod';
import type { Kind } from './kinds/kind.ts';
import { apiVersion } from './resource.ts';

/** A JSON Schema (draft 2020-12) as far as we read it ourselves. */
export interface JsonSchema {
  type?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  const?: unknown;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  additionalProperties?: boolean | JsonSchema;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  [keyword: string]: unknown;
}

/** JSON Schema of whole documents of a kind, for editors and `gwctl explain`: what may be written, with defaults. */
export function documentSchema(kind: Kind): JsonSchema {
  const strings = { type: 'object', additionalProperties: { type: 'string' } };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: kind.kind,
    description: kind.description,
    type: 'object',
    additionalProperties: false,
    required: ['apiVersion', 'kind', 'metadata'],
    properties: {
      apiVersion: { const: apiVersion },
      kind: { const: kind.kind },
      metadata: {
        type: 'object',
        description: 'Name, namespace, labels and annotations; what the server sets is ignored on write.',
        required: ['name'],
        additionalProperties: false,
        properties: {
          name: { type: 'string', description: 'DNS label (RFC 1123).' },
          ...(kind.namespaced
            ? { namespace: { type: 'string', description: 'DNS label.', default: 'default' } }
            : {}),
          labels: { ...strings, description: 'Keys and values as in Kubernetes.' },
          annotations: {
            ...strings,
            description: '64KiB in all; the prefix causeway/ belongs to the server.',
          },
          resourceVersion: {
            type: 'string',
            description: 'Compared with the stored one when present (409).',
          },
          uid: { type: 'string', readOnly: true },
          generation: { type: 'integer', readOnly: true },
          creationTimestamp: { type: 'string', format: 'date-time', readOnly: true },
        },
      },
      ...(kind.spec ? { spec: specSchema(kind.spec) } : {}),
      status: { type: 'object', readOnly: true, description: 'Computed by the server.' },
    },
  };
}

function specSchema(spec: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(spec, { io: 'input', target: 'draft-2020-12' });
  return schema as JsonSchema;
}
