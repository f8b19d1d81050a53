/** Where a Gateway's nodes count together, read once from its compiled form. */

import { equals } from '@bufbuild/protobuf';
import { type Redis, RedisSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { SharedMap } from '@causeway/router/shared-map';

import { type CertificateEntry, namedCertificate } from '../table/certificate-entry.ts';
import { certificatesOfTls, readUpstreamTls } from '../table/read-upstream-tls.ts';
import type { UpstreamTls } from '../upstream/tls-settings.ts';

/** What is secret in it is private, so that neither a dump nor a log that is given this object shows it. */
export class RedisSettings {
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** The addresses are some of its nodes. */
  readonly isCluster: boolean;
  readonly database: number;
  readonly timeoutMs: number;
  readonly keyPrefix: string;
  readonly #compiled: Redis;
  readonly #tls: UpstreamTls | undefined;
  readonly #certificates: readonly CertificateEntry[];

  /** Throws an Error for one that is not whole, or whose Certificates cannot be used. */
  constructor(compiled: Redis, certificates: SharedMap<CertificateEntry> | undefined) {
    this.addresses = compiled.addresses.map(({ host, port }) => ({ host, port }));
    if (this.addresses.length === 0) throw new Error('redis has no address');
    this.isCluster = compiled.cluster;
    this.database = compiled.database;
    this.timeoutMs = compiled.timeoutMs;
    this.keyPrefix = compiled.keyPrefix;
    this.#compiled = compiled;
    this.#certificates = certificatesIn(compiled, certificates);
    this.#tls = compiled.tls && readUpstreamTls(compiled.tls, certificates);
  }

  /** Empty = the default user; without a password nobody logs in. */
  get username(): string {
    return this.#compiled.username;
  }

  get password(): string {
    return this.#compiled.password;
  }

  /** What keys are hashed with. */
  get keySecret(): Uint8Array {
    return this.#compiled.keySecret;
  }

  get tls(): UpstreamTls | undefined {
    return this.#tls;
  }

  /** These settings when nothing of them has changed, so that their connection stays; else new ones. `compiled`: of the Gateway, if that has changed. */
  changed(compiled: Redis | undefined, certificates: SharedMap<CertificateEntry> | undefined): RedisSettings {
    const now = compiled ?? this.#compiled;
    const used = certificatesIn(now, certificates);
    const isSame =
      equals(RedisSchema, now, this.#compiled) &&
      used.every((certificate, index) => certificate === this.#certificates[index]);
    return isSame ? this : new RedisSettings(now, certificates);
  }
}

function certificatesIn(
  { tls }: Redis,
  certificates: SharedMap<CertificateEntry> | undefined,
): CertificateEntry[] {
  return tls === undefined ? [] : certificatesOfTls(tls).map((name) => namedCertificate(certificates, name));
}
