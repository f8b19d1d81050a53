/** Certificates for tests: an authority of their own, which signs what they ask for. */

// @peculiar/x509 is wired by decorators, which need this before it.
// oxlint-disable-next-line import/no-unassigned-import
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const dayMs = 86_400_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** A chain and its key, both PEM; the leaf comes first. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface IssueOptions {
  /** DNS names and IP addresses; the first one is the common name too. */
  readonly names: readonly string[];
  /** Default one day ago; when it began is of no interest to most tests. */
  readonly notBefore?: Date;
  /** Default in thirty days. */
  readonly notAfter?: Date;
  /** URL of who can be asked whether it was revoked. */
  readonly ocspResponder?: string;
  /** Whether it signs answers of OCSP in place of its authority; default false. */
  readonly signsOcsp?: boolean;
}

/** Signs leaves. */
export class TestAuthority {
  /** Its own certificate, PEM. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #name: string;

  private constructor(name: string, keys: webcrypto.CryptoKeyPair, { certificate, key }: IssuedCertificate) {
    this.#name = name;
    this.#keys = keys;
    this.certificate = certificate;
    this.key = key;
  }

  static async create(commonName = 'Test authority'): Promise<TestAuthority> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const name = `CN=${commonName}`;
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name,
      keys,
      signingAlgorithm: algorithm,
      ...validity({}),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ],
    });
    const pair = { certificate: pemOf(certificate), key: await keyPem(keys.privateKey) };
    return new TestAuthority(name, keys, pair);
  }

  async issue(options: IssueOptions): Promise<IssuedCertificate> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const { ocspResponder, signsOcsp } = options;
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${options.names[0] ?? 'nobody'}`,
      issuer: this.#name,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(options),
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          options.names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? 'ip' : 'dns', value })),
        ),
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.serverAuth,
          x509.ExtendedKeyUsage.clientAuth,
          ...(signsOcsp ? [x509.ExtendedKeyUsage.ocspSigning] : []),
        ]),
        ...(ocspResponder === undefined
          ? []
          : [new x509.AuthorityInfoAccessExtension({ ocsp: [ocspResponder] })]),
      ],
    });
    return { certificate: pemOf(certificate), key: await keyPem(keys.privateKey) };
  }
}

function validity({ notBefore, notAfter }: Partial<IssueOptions>) {
  const nowMs = Date.now();
  return {
    notBefore: notBefore ?? new Date(nowMs - dayMs),
    notAfter: notAfter ?? new Date(nowMs + 30 * dayMs),
  };
}

async function keyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}
