/** Lets in who has shown a TLS client certificate, which the listener has verified. */

import { type AuthenticationFilter, admit, admitConsumer, unauthenticated } from './authentication.ts';
import type { Refusal } from './filter.ts';

export interface ClientCertificateSettings {
  /** In which certificates stand for Consumers. */
  readonly namespace: string;
  readonly isOptional: boolean;
  /** A certificate that fits no Consumer is refused. */
  readonly needsConsumer: boolean;
}

/** No scheme of the registry: TLS asks for certificates, and HTTP has no word for it. */
const challenge = 'ClientCertificate realm="causeway"';
const missing = unauthenticated([challenge], 'A client certificate is required.');
const unknown: Refusal = {
  kind: 'refusal',
  reason: 'forbidden',
  detail: 'The client certificate is that of no consumer.',
};

export function createClientCertificateFilter(
  name: string,
  { namespace, isOptional, needsConsumer }: ClientCertificateSettings,
): AuthenticationFilter {
  const stranger = { consumer: undefined, namespace, isConsumer: false, groups: [], scopes: [], claims: {} };
  return {
    kind: 'clientCertificate',
    name,
    isOptional,
    challenge,
    demands: `clientCertificate ${JSON.stringify([namespace, isOptional, needsConsumer])}`,
    hasCredentials: ({ clientCertificate }) => clientCertificate !== undefined,
    onRequestHead(exchange) {
      const { clientCertificate } = exchange;
      if (clientCertificate === undefined) return isOptional ? undefined : missing;
      const consumer = exchange.consumers.byCertificate(namespace, clientCertificate);
      if (consumer !== undefined) return admitConsumer(exchange, consumer);
      return needsConsumer ? unknown : admit(exchange, stranger);
    },
  };
}
