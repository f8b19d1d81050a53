/** Who a client is by the certificate that it has shown, and that was verified. */

import type { X509Certificate } from 'node:crypto';

export interface ClientCertificate {
  /** Distinguished name, `CN=ci, O=Example`; empty when there is none. */
  readonly subject: string;
  readonly commonName: string | undefined;
  /** `dns:a.example`, `uri:spiffe://a/b`, `email:a@example`, `ip:10.0.0.1`, in the order of the certificate. */
  readonly alternativeNames: readonly string[];
  /** SHA-256 of the DER form, lower-case hex. */
  readonly sha256: string;
}

export function clientCertificateOf(certificate: X509Certificate): ClientCertificate {
  // One attribute a line in node:crypto; undefined where there is none.
  const lines = ((certificate.subject as string | undefined) ?? '').split('\n');
  return {
    subject: lines.join(', '),
    commonName: lines.find((line) => line.startsWith('CN='))?.slice(3),
    alternativeNames: alternativeNames(certificate.subjectAltName ?? ''),
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

/** A value that holds a comma or a quote is itself quoted by node:crypto; none that anybody means has one, so those are left out. */
function alternativeNames(text: string): string[] {
  const entries = text.matchAll(/(?:^|, )(DNS|URI|email|IP Address):([^",]+)(?=,|$)/g);
  return Array.from(entries, ([, kind, value]) => `${prefixes[kind!]}:${value}`);
}

const prefixes: Readonly<Record<string, string>> = {
  DNS: 'dns',
  URI: 'uri',
  email: 'email',
  'IP Address': 'ip',
};
