import type { z } from 'zod';
import { list, oneOf } from '../fields.ts';
import { fieldOf } from '../kinds/kind.ts';
import { apiKeyFilter } from './api-key.ts';
import { basicAuthFilter } from './basic-auth.ts';
import { clientCertificateFilter } from './client-certificate.ts';
import type { FilterKind } from './filter-kind.ts';
import { jwtFilter } from './jwt.ts';
import { oidcFilter } from './oidc.ts';

/** What may stand in it. */
const waysOf = [clientCertificateFilter, jwtFilter, apiKeyFilter, basicAuthFilter, oidcFilter] as const;
const waysMax = 8;

const way = oneOf(
  {
    clientCertificate: clientCertificateFilter.spec.optional(),
    jwt: jwtFilter.spec.optional(),
    apiKey: apiKeyFilter.spec.optional(),
    basicAuth: basicAuthFilter.spec.optional(),
    oidc: oidcFilter.spec.optional(),
  },
  'One authentication filter.',
  {},
);

const anyOfSpec = list(way, {
  description:
    'Authentication filters of which one is enough: the first whose credentials are there decides. Without any the request is refused, unless one of them is optional.',
  max: waysMax,
  min: 1,
});

export type AnyOfSpec = z.output<typeof anyOfSpec>;

export const anyOfFilter: FilterKind<typeof anyOfSpec> = {
  key: 'anyOf',
  spec: anyOfSpec,
  phase: 'authentication',
  mayRepeat: false,
  mayBeShadowed: true,
  summary: (ways) =>
    `any of ${ways.map((one) => waysOf.find(({ key }) => fieldOf(one, key) !== undefined)?.key).join(', ')}`,
};
