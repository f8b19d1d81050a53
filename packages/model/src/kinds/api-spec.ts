import { z } from 'zod';
import { object, say } from '../fields.ts';
import { type Kind, writeVerbs } from './kind.ts';

const apiSpecSpec = object(
  {
    document: z
      .union([z.string(), z.record(z.string(), z.unknown())], {
        error: () => say('wrong_type', 'not an OpenAPI document: a mapping, or its text'),
      })
      .describe(
        'An OpenAPI document, 3.0 or 3.1: a mapping, or a text with YAML or JSON, which may hold more values. References lead within it.',
      ),
  },
  'An OpenAPI document.',
);

export type ApiSpecSpec = z.output<typeof apiSpecSpec>;

export const apiSpecKind: Kind<typeof apiSpecSpec> = {
  kind: 'ApiSpec',
  plural: 'apispecs',
  shortNames: ['spec'],
  namespaced: true,
  description: 'An OpenAPI document, for filters that judge requests by it.',
  verbs: writeVerbs,
  spec: apiSpecSpec,
  references: () => [],
  plannedFields: [],
};
