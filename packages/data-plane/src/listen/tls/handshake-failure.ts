/** What went wrong in a TLS handshake, from the codes of OpenSSL and of the system. */

import type { HandshakeFailure } from '../arrival-counters.ts';

export function handshakeFailureOf(code: string | undefined): HandshakeFailure {
  if (code === undefined || !code.startsWith('ERR_SSL_')) return 'closed';
  const known = byCode[code];
  if (known !== undefined) return known;
  return code.includes('_ALERT_') ? 'refused' : 'malformed';
}

const byCode: Readonly<Record<string, HandshakeFailure>> = {
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'version',
  ERR_SSL_VERSION_TOO_LOW: 'version',
  ERR_SSL_NO_SHARED_CIPHER: 'cipher',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'cipher',
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 'cipher',
  ERR_SSL_NO_SUITABLE_GROUPS: 'cipher',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'alpn',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'clientCertificate',
  ERR_SSL_CERTIFICATE_VERIFY_FAILED: 'clientCertificate',
  ERR_SSL_HTTP_REQUEST: 'plainHttp',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'plainHttp',
};
