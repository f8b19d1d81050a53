import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** What a certificate says about itself, as status shows it. */
export interface CertificateFacts {
  /** Distinguished name, `CN=www.example.com, O=Example`; empty when there is none. */
  subject: string;
  /** DNS names and addresses of its subjectAltName, in its order. */
  names: string[];
  issuer: string;
  /** RFC 3339, UTC. */
  notBefore: string;
  notAfter: string;
  /** SHA-256 of the DER form, lower-case hex. */
  sha256: string;
}

export type ParsedChain =
  | { ok: true; certificates: [X509Certificate, ...X509Certificate[]] }
  | { ok: false; detail: string };

const block = /-----BEGIN ([^-\n]+)-----[^]*?-----END \1-----/g;
const anyBegin = /-----BEGIN ([^-\n]*)-----/g;

/**
 * The certificates of a PEM text in its order. Explanatory text between the blocks is allowed (RFC 7468 section 2), any
 * other block is not: a private key written here would be readable. Details never quote the text.
 */
export function parseCertificateChain(pem: string): ParsedChain {
  const labels = Array.from(pem.matchAll(anyBegin), ([, label]) => label!);
  const foreign = labels.find((label) => label !== 'CERTIFICATE');
  if (foreign?.includes('PRIVATE KEY'))
    return { ok: false, detail: 'holds a private key, which belongs in "key"' };
  if (foreign !== undefined) return { ok: false, detail: 'holds a PEM block that is not a CERTIFICATE' };
  const blocks = Array.from(pem.matchAll(block), ([text]) => text);
  if (labels.length === 0) return { ok: false, detail: 'holds no certificate in PEM form' };
  if (blocks.length !== labels.length)
    return { ok: false, detail: `certificate ${blocks.length + 1} has no end` };
  const certificates: X509Certificate[] = [];
  for (const [index, text] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(text));
    } catch {
      // The library's words are about its own parser and help nobody.
      return { ok: false, detail: `certificate ${index + 1} of ${blocks.length} cannot be read` };
    }
  }
  return { ok: true, certificates: certificates as [X509Certificate, ...X509Certificate[]] };
}

/**
 * Why a private key in PEM form cannot stand beside a leaf, as the end of a sentence; undefined when it belongs to it.
 * Never quotes the key.
 */
export function privateKeyComplaint(pem: string, leaf: X509Certificate): string | undefined {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem))
    return 'is encrypted; write it without a passphrase';
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The library's message could quote what it stumbled over.
    return 'is not a private key in PEM form';
  }
  return leaf.checkPrivateKey(key) ? undefined : 'does not belong to the first certificate of the chain';
}

export function certificateFacts(certificate: X509Certificate): CertificateFacts {
  return {
    subject: distinguishedName(certificate.subject),
    names: namesOf(certificate),
    issuer: distinguishedName(certificate.issuer),
    notBefore: certificate.validFromDate.toISOString(),
    notAfter: certificate.validToDate.toISOString(),
    sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

/** One attribute a line in node:crypto; `undefined` where there is none. */
function distinguishedName(lines: string | undefined): string {
  return (lines ?? '').split('\n').join(', ');
}

/** `DNS:a.test, IP Address:127.0.0.1`; an entry that holds a comma is quoted by node:crypto and is no host name. */
function namesOf({ subjectAltName = '' }: X509Certificate): string[] {
  return Array.from(
    subjectAltName.matchAll(/(?:^|, )(?:DNS|IP Address):([^",]+)(?=,|$)/g),
    ([, name]) => name!,
  );
}
