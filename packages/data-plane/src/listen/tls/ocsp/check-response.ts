/** Whether the answer of a responder may be shown to clients: everything that they would check, checked before (RFC 6960 section 3.2). */

import { verify, X509Certificate } from 'node:crypto';
import {
  BasicOCSPResponse,
  id_pkix_ocsp_basic,
  OCSPResponse,
  OCSPResponseStatus,
  type SingleResponse,
} from '@peculiar/asn1-ocsp';
import { AsnConvert } from '@peculiar/asn1-schema';
import { id_kp_OCSPSigning } from '@peculiar/asn1-x509';
import { messageOf } from '@causeway/runtime/errors';

import { isIdOf } from './certificate-id.ts';
import type { StapledCertificate } from './stapled-certificate.ts';

/** Instants are on the scale of wall time. */
export type OcspVerdict =
  | { readonly ok: true; readonly sinceMs: number; readonly untilMs: number }
  | {
      readonly ok: false;
      /** The authority itself says so, signed: what it said before is not to be shown any more. */
      readonly isRevoked: boolean;
      readonly detail: string;
    };

/** How far the clock of a responder may be ahead of ours. */
export const clockSkewMsMax = 300_000;
/** Certificates of responders that are looked at in a response; one is usual. */
export const responderCertificatesMax = 8;

/** By OID of what is signed with; SHA-1 is not among them, for clients would not take it. */
const signatureHashes: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  // Ed25519 and Ed448 have theirs built in (RFC 8410 section 3).
  '1.3.101.112': null,
  '1.3.101.113': null,
};

/** Of `bytes`, which anybody may have written: the way to the responder is not protected. */
export function checkResponse(
  bytes: Uint8Array,
  certificate: StapledCertificate,
  nowMs: number,
): OcspVerdict {
  try {
    return judge(bytes, certificate, nowMs);
  } catch (error) {
    if (error instanceof Refusal) return { ok: false, isRevoked: false, detail: error.message };
    return { ok: false, isRevoked: false, detail: `the answer cannot be read: ${messageOf(error)}` };
  }
}

/** What is wrong with an answer. */
class Refusal extends Error {}

function judge(bytes: Uint8Array, certificate: StapledCertificate, nowMs: number): OcspVerdict {
  const basic = basicResponse(bytes);
  const single = basic.tbsResponseData.responses.find(({ certID }) => isIdOf(certID, certificate));
  if (single === undefined) throw new Refusal('the answer is about another certificate');
  const signer = signerOf(basic, certificate.issuer, nowMs);
  const sinceMs = single.thisUpdate.getTime();
  const untilMs = validUntilMs(single, signer);
  // Before its state: an old answer must not take back a newer one.
  if (sinceMs > nowMs + clockSkewMsMax)
    throw new Refusal(`the answer is not valid before ${isoTime(sinceMs)}`);
  if (untilMs <= nowMs) throw new Refusal(`the answer was valid until ${isoTime(untilMs)}`);
  const { good, revoked } = single.certStatus;
  if (revoked !== undefined) {
    const atMs = revoked.revocationTime.getTime();
    return { ok: false, isRevoked: true, detail: `the certificate was revoked at ${isoTime(atMs)}` };
  }
  if (good !== null) throw new Refusal('the responder does not know the certificate');
  return { ok: true, sinceMs, untilMs };
}

function basicResponse(bytes: Uint8Array): BasicOCSPResponse {
  const { responseStatus, responseBytes } = AsnConvert.parse(bytes, OCSPResponse);
  if (responseStatus !== OCSPResponseStatus.successful)
    throw new Refusal(`the responder answers ${statusName(responseStatus)}`);
  if (responseBytes?.responseType !== id_pkix_ocsp_basic)
    throw new Refusal('the answer is of an unknown type');
  return AsnConvert.parse(responseBytes.response, BasicOCSPResponse);
}

function statusName(status: OCSPResponseStatus): string {
  return (OCSPResponseStatus as Readonly<Record<number, string>>)[status] ?? `status ${status}`;
}

/**
 * Whose key the response is signed with: the issuer's, or that of a certificate which the issuer has made for this purpose
 * (RFC 6960 section 4.2.2.2).
 */
function signerOf(basic: BasicOCSPResponse, issuer: X509Certificate, nowMs: number): X509Certificate {
  const { tbsResponseDataRaw, signature, signatureAlgorithm, certs = [] } = basic;
  const hashName = signatureHashes[signatureAlgorithm.algorithm];
  if (tbsResponseDataRaw === undefined || hashName === undefined)
    throw new Refusal(
      `the answer is signed by algorithm ${signatureAlgorithm.algorithm}, which is not supported`,
    );
  const signed = new Uint8Array(tbsResponseDataRaw);
  const isSigner = ({ publicKey }: X509Certificate): boolean =>
    verify(hashName, signed, publicKey, new Uint8Array(signature));
  if (isSigner(issuer)) return issuer;
  const delegates = certs
    .slice(0, responderCertificatesMax)
    .map((cert) => new X509Certificate(new Uint8Array(AsnConvert.serialize(cert))));
  const signer = delegates.find((delegate) => isDelegateOf(delegate, issuer, nowMs) && isSigner(delegate));
  if (signer === undefined) throw new Refusal('the answer is signed by nobody who may sign it');
  return signer;
}

function isDelegateOf(delegate: X509Certificate, issuer: X509Certificate, nowMs: number): boolean {
  // `keyUsage` of node:crypto is the extended key usage.
  const purposes = (delegate.keyUsage as string[] | undefined) ?? [];
  return (
    purposes.includes(id_kp_OCSPSigning) &&
    delegate.checkIssued(issuer) &&
    delegate.verify(issuer.publicKey) &&
    delegate.validFromDate.getTime() <= nowMs + clockSkewMsMax &&
    nowMs < delegate.validToDate.getTime()
  );
}

/** Without an end clients would not take it (RFC 5019 section 4). A responder's certificate ends with its answers. */
function validUntilMs({ thisUpdate, nextUpdate }: SingleResponse, signer: X509Certificate): number {
  if (nextUpdate === undefined) throw new Refusal('the answer does not say until when it is valid');
  if (nextUpdate <= thisUpdate) throw new Refusal('the answer ends before it begins');
  return Math.min(nextUpdate.getTime(), signer.validToDate.getTime());
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString();
}
