/** Answers of OCSP responders, good and bad, as tests want them. */

import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import {
  BasicOCSPResponse,
  CertStatus,
  id_pkix_ocsp_basic,
  OCSPRequest,
  OCSPResponse,
  OCSPResponseStatus,
  ResponderID,
  ResponseBytes,
  ResponseData,
  RevokedInfo,
  SingleResponse,
} from '@peculiar/asn1-ocsp';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import { AlgorithmIdentifier, Certificate } from '@peculiar/asn1-x509';
import type { IssuedCertificate } from '@causeway/runtime/testing/test-authority';

export interface AnswerOptions {
  /** Whose key signs it: P-256. */
  readonly signer: Pick<IssuedCertificate, 'certificate' | 'key'>;
  /** Default `good`. */
  readonly state?: 'good' | 'revoked' | 'unknown';
  /** Default the signer's, as responders do that are not the authority itself. */
  readonly certificates?: readonly string[];
  readonly thisUpdate: Date;
  /** Undefined: it does not say. */
  readonly nextUpdate: Date | undefined;
  /** OID; default ECDSA with SHA-256, which it is signed with in any case. */
  readonly algorithm?: string;
}

const ecdsaWithSha256 = '1.2.840.10045.4.3.2';

/** To the DER of an OCSPRequest. */
export function ocspAnswer(question: Uint8Array, options: AnswerOptions): Buffer {
  const { signer, state = 'good', certificates = [signer.certificate], thisUpdate, nextUpdate } = options;
  const { requestList } = AsnConvert.parse(question, OCSPRequest).tbsRequest;
  const tbsResponseData = new ResponseData({
    responderID: new ResponderID({ byKey: new OctetString(new Uint8Array(20)) }),
    producedAt: thisUpdate,
    responses: requestList.map(
      ({ reqCert }) =>
        new SingleResponse({
          certID: reqCert,
          certStatus: stateOf(state, thisUpdate),
          thisUpdate,
          ...(nextUpdate && { nextUpdate }),
        }),
    ),
  });
  const signed = new Uint8Array(AsnConvert.serialize(tbsResponseData));
  const basic = new BasicOCSPResponse({
    tbsResponseData,
    signatureAlgorithm: new AlgorithmIdentifier({ algorithm: options.algorithm ?? ecdsaWithSha256 }),
    signature: arrayBuffer(sign('sha256', signed, createPrivateKey(signer.key))),
    certs: certificates.map((pem) => AsnConvert.parse(new X509Certificate(pem).raw, Certificate)),
  });
  const response = new OctetString(AsnConvert.serialize(basic));
  const responseBytes = new ResponseBytes({ responseType: id_pkix_ocsp_basic, response });
  return encoded(new OCSPResponse({ responseStatus: OCSPResponseStatus.successful, responseBytes }));
}

/** That the responder does not answer. */
export function ocspFailure(responseStatus: OCSPResponseStatus): Buffer {
  return encoded(new OCSPResponse({ responseStatus }));
}

function stateOf(state: 'good' | 'revoked' | 'unknown', revocationTime: Date): CertStatus {
  if (state === 'revoked') return new CertStatus({ revoked: new RevokedInfo({ revocationTime }) });
  return new CertStatus({ [state]: null });
}

function encoded(response: OCSPResponse): Buffer {
  return Buffer.from(AsnConvert.serialize(response));
}

function arrayBuffer(bytes: Buffer): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}
