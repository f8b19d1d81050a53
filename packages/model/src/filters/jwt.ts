import type { z } from 'zod';
import { choice, flag, line, list, name, object } from '../fields.ts';
import { requiredClaims } from '../kinds/auth-provider.ts';
import type { FilterKind } from './filter-kind.ts';

const jwtSpec = object(
  {
    providers: list(name, {
      description:
        'AuthProviders whose tokens are taken; of several the one that the token names as its issuer.',
      min: 1,
      max: 16,
      key: '',
    }),
    optional: flag(
      'true: who sends no token is let in as nobody. A bad token is refused all the same.',
    ).default(false),
    scopes: list(line('a scope', 'A scope.', 256), {
      description: 'All of them must be granted, else 403 with insufficient_scope.',
      max: 64,
    }).default([]),
    claims: requiredClaims
      .default({})
      .describe('Claims that a token must have here, with their values, else 403.'),
    consumer: choice('required: 403 for a token that fits no Consumer.', ['optional', 'required']).default(
      'optional',
    ),
    forwardCredentials: flag('The upstream gets the token as well.').default(true),
  },
  'Lets in who has a good token (JWT, RFC 7519).',
);

export type JwtSpec = z.output<typeof jwtSpec>;

export const jwtFilter: FilterKind<typeof jwtSpec> = {
  key: 'jwt',
  spec: jwtSpec,
  phase: 'authentication',
  mayRepeat: false,
  mayBeShadowed: true,
  objectFields: [{ field: 'providers', kind: 'AuthProvider' }],
  summary: ({ providers, optional }) => `jwt ${providers.join(', ')}${optional ? ', optional' : ''}`,
};
