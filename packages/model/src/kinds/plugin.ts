import type { z } from 'zod';
import { object } from '../fields.ts';
import { jsonSchemaField } from '../json-schema-field.ts';
import { type Kind, writeVerbs } from './kind.ts';

const pluginSpec = object(
  {
    configSchema: jsonSchemaField.describe(
      'JSON Schema (2020-12) of the config that filters give it. `true` takes any.',
    ),
  },
  'What filters may tell a plugin.',
);

export type PluginSpec = z.output<typeof pluginSpec>;

export const pluginKind: Kind<typeof pluginSpec> = {
  kind: 'Plugin',
  plural: 'plugins',
  shortNames: ['pl'],
  namespaced: false,
  description:
    'A module of that name in the --plugin-dir of the nodes, for filters. Its code runs there alone; here is the schema of its configuration.',
  verbs: writeVerbs,
  spec: pluginSpec,
  references: () => [],
  plannedFields: [],
};
