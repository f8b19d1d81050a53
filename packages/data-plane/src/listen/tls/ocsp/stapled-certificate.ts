/** A certificate that an authority can be asked about, by OCSP (RFC 6960). */

import { X509Certificate } from 'node:crypto';
import { messageOf } from '@causeway/runtime/errors';

import { fingerprintOf } from './staples.ts';

export interface StapledCertificate {
  /** As `fingerprintOf` says. */
  readonly fingerprint: string;
  readonly leaf: X509Certificate;
  readonly issuer: X509Certificate;
  /** Of the authority; plain http. */
  readonly responder: URL;
}

const pemBlock = /-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g;

/** The first certificate of a PEM text, with its issuer, which stands in the text too. A string says why nobody can be asked about it. */
export function readStapledCertificate(pem: string): StapledCertificate | string {
  try {
    const [leaf, ...others] = Array.from(pem.matchAll(pemBlock), ([text]) => new X509Certificate(text));
    if (leaf === undefined) return 'it holds no certificate';
    const responder = responderOf(leaf);
    if (typeof responder === 'string') return responder;
    const issuer = others.find((other) => leaf.checkIssued(other) && leaf.verify(other.publicKey));
    if (issuer === undefined) return 'its chain does not hold the certificate of its issuer';
    return { fingerprint: fingerprintOf(leaf.raw), leaf, issuer, responder };
  } catch (error) {
    return messageOf(error);
  }
}

/** RFC 5280 section 4.2.2.1; one a line in node:crypto, quoted as JSON where it could be mistaken for several. */
function responderOf({ infoAccess = '' }: X509Certificate): URL | string {
  const written = Array.from(infoAccess.matchAll(/^OCSP - URI:(.*)$/gm), ([, text]) => text!);
  if (written.length === 0) return 'it names no OCSP responder';
  const urls = written.map((text) => URL.parse(text.startsWith('"') ? String(JSON.parse(text)) : text));
  const responder = urls.find((url) => url?.protocol === 'http:');
  return responder ?? 'it names no OCSP responder that speaks plain http';
}
