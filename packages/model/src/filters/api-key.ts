import type { z } from 'zod';
import { flag, object } from '../fields.ts';
import { credentialSources } from './credential-sources.ts';
import type { FilterKind } from './filter-kind.ts';

const apiKeySpec = object(
  {
    from: credentialSources(
      'Where the key stands: header:NAME, query:NAME, cookie:NAME; the first that is there decides. header:authorization takes it after "ApiKey" or "Bearer".',
    ).default(['header:x-api-key']),
    optional: flag('true: who shows no key is anonymous; a bad key is refused all the same.').default(false),
    forwardCredentials: flag('true: the upstream gets the key too.').default(false),
  },
  'Lets in Consumers by their API keys.',
);

export type ApiKeySpec = z.output<typeof apiKeySpec>;

export const apiKeyFilter: FilterKind<typeof apiKeySpec> = {
  key: 'apiKey',
  spec: apiKeySpec,
  phase: 'authentication',
  mayRepeat: false,
  mayBeShadowed: true,
  summary: ({ from, optional }) => `apiKey ${from.join(',')}${optional ? ' optional' : ''}`,
};
