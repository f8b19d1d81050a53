import type { UpstreamTls as CompiledTls } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { SharedMap } from '@causeway/router/shared-map';

import { createUpstreamTls, type UpstreamTls } from '../upstream/tls-settings.ts';
import { type CertificateEntry, namedCertificate, pairOf } from './certificate-entry.ts';
import { readTlsVersion } from './tls-version.ts';

/** Throws an Error when a Certificate is not there, or cannot be used. */
export function readUpstreamTls(
  tls: CompiledTls,
  certificates: SharedMap<CertificateEntry> | undefined,
): UpstreamTls {
  const named = (name: string): CertificateEntry => namedCertificate(certificates, name);
  return createUpstreamTls({
    serverName: tls.serverName === '' ? undefined : tls.serverName,
    trust: tls.trust.map((name) => named(name).chain),
    client: tls.clientCertificate === '' ? undefined : pairOf(named(tls.clientCertificate)),
    verify: tls.verify,
    minVersion: readTlsVersion(tls.minVersion),
  });
}

/** Names of the Certificates that it refers to, `namespace/name`. */
export function certificatesOfTls({ trust, clientCertificate }: CompiledTls): readonly string[] {
  return clientCertificate === '' ? trust : [...trust, clientCertificate];
}
