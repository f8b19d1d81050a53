import type { z } from 'zod';
import { choice, flag, object } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';

const clientCertificateSpec = object(
  {
    optional: flag('true: who shows no certificate is anonymous.').default(false),
    consumer: choice('required: a certificate that fits no Consumer is refused (403).', [
      'optional',
      'required',
    ]).default('optional'),
  },
  'Lets in who has shown a TLS client certificate; the listener must ask for one (tls.clientAuth).',
);

export type ClientCertificateSpec = z.output<typeof clientCertificateSpec>;

export const clientCertificateFilter: FilterKind<typeof clientCertificateSpec> = {
  key: 'clientCertificate',
  spec: clientCertificateSpec,
  phase: 'authentication',
  mayRepeat: false,
  mayBeShadowed: true,
  summary: ({ optional, consumer }) =>
    `clientCertificate${consumer === 'required' ? ' of a Consumer' : ''}${optional ? ' optional' : ''}`,
};
