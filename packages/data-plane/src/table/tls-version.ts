/** Versions of TLS, as snapshots number them and OpenSSL names them. */

import { TlsVersion } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';

/** Throws UnknownChoice for one that this version does not know. */
export function readTlsVersion(version: TlsVersion): 'TLSv1.2' | 'TLSv1.3' {
  switch (version) {
    case TlsVersion.TLS_VERSION_1_2:
      return 'TLSv1.2';
    case TlsVersion.TLS_VERSION_1_3:
      return 'TLSv1.3';
    default:
      throw new UnknownChoice(`tls.minVersion ${version}`);
  }
}
