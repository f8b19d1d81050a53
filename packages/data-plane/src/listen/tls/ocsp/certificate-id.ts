/** How OCSP names a certificate (RFC 6960 section 4.1.1), and the request that asks for its state. */

import { hash } from 'node:crypto';
import { CertID, OCSPRequest, Request, TBSRequest } from '@peculiar/asn1-ocsp';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, Certificate } from '@peculiar/asn1-x509';

import type { StapledCertificate } from './stapled-certificate.ts';

const sha1 = '1.3.14.3.2.26';
const hashNames: Readonly<Record<string, string>> = {
  [sha1]: 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

/**
 * DER of an OCSPRequest for one certificate. SHA-1, which is no matter of trust here, is what every responder knows (RFC 5019 section
 * 2.1.1); there is no nonce, for most answers are signed long before they are asked for.
 */
export function ocspRequest(certificate: StapledCertificate): Uint8Array {
  const requestList = [new Request({ reqCert: certificateId(certificate, sha1) })];
  return new Uint8Array(
    AsnConvert.serialize(new OCSPRequest({ tbsRequest: new TBSRequest({ requestList }) })),
  );
}

/** Whether `id` is of this certificate, by whichever hash. */
export function isIdOf(id: CertID, certificate: StapledCertificate): boolean {
  const { algorithm } = id.hashAlgorithm;
  if (!Object.hasOwn(hashNames, algorithm)) return false;
  const own = certificateId(certificate, algorithm);
  return (
    isSame(id.issuerNameHash.buffer, own.issuerNameHash.buffer) &&
    isSame(id.issuerKeyHash.buffer, own.issuerKeyHash.buffer) &&
    isSame(id.serialNumber, own.serialNumber)
  );
}

function certificateId({ leaf, issuer }: StapledCertificate, algorithm: string): CertID {
  const { issuer: issuerName, serialNumber } = AsnConvert.parse(leaf.raw, Certificate).tbsCertificate;
  const { subjectPublicKey } = AsnConvert.parse(issuer.raw, Certificate).tbsCertificate.subjectPublicKeyInfo;
  const digest = (bytes: ArrayBuffer): OctetString =>
    new OctetString(hash(hashNames[algorithm]!, new Uint8Array(bytes), 'buffer'));
  return new CertID({
    // NULL parameters, as responders that compare bytes have them.
    hashAlgorithm: new AlgorithmIdentifier({ algorithm, parameters: null }),
    issuerNameHash: digest(AsnConvert.serialize(issuerName)),
    issuerKeyHash: digest(subjectPublicKey),
    serialNumber,
  });
}

function isSame(one: ArrayBuffer, other: ArrayBuffer): boolean {
  return Buffer.from(one).equals(Buffer.from(other));
}
