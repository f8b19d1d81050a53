import { z } from 'zod';
import { choice, name, object, realDuration, say } from '../fields.ts';
import { durationMs } from '../quantity.ts';
import type { FilterKind } from './filter-kind.ts';
import { type PhaseName, phases } from './phases.ts';

const configLengthMax = 16_384;
const timeoutMaxMs = 60_000;
const phaseNames = phases.map((phase) => phase.name) as [PhaseName, ...PhaseName[]];

const pluginSpec = object(
  {
    module: name.describe(
      'A Plugin, and the name of its file in the --plugin-dir of the nodes, without .mjs.',
    ),
    config: z
      .record(z.string(), z.unknown(), { error: () => say('wrong_type', 'not a mapping') })
      .refine((config) => JSON.stringify(config).length <= configLengthMax, {
        error: () => say('out_of_range', `longer than ${configLengthMax} characters as JSON`),
      })
      .default({})
      .describe('What the Plugin is told, as its configSchema says. No place for secrets.'),
    timeout: realDuration
      .default('100ms')
      .refine((text) => durationMs(text) <= timeoutMaxMs, { error: () => say('out_of_range', 'at most 60s') })
      .describe(
        'Longest time of a hook. What waits longer has failed; what computes longer is counted. Waiting for a body or a Service does not count.',
      ),
    onFailure: choice('deny: 500 internal. allow: the request goes on as if the Plugin were not there.', [
      'deny',
      'allow',
    ]).default('deny'),
    phase: choice('Where it stands among the filters.', phaseNames).default('plugin'),
  },
  'A filter of your own: a module in a directory of the nodes.',
);

export type PluginFilterSpec = z.output<typeof pluginSpec>;

export const pluginFilter: FilterKind<typeof pluginSpec> = {
  key: 'plugin',
  spec: pluginSpec,
  phase: ({ phase }) => phase,
  mayRepeat: true,
  objectFields: [{ field: 'module', kind: 'Plugin' }],
  summary: ({ module, onFailure }) => `plugin ${module}${onFailure === 'allow' ? ', may fail' : ''}`,
};
