/** A Certificate as the table holds it. */

import { X509Certificate } from 'node:crypto';
import type { CompiledCertificate } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { sharedGet, type SharedMap } from '@causeway/router/shared-map';

/** The key is private, so that neither a dump nor a log that is given this object shows it. */
export class CertificateEntry {
  /** "namespace/name" */
  readonly name: string;
  /** PEM, leaf first. */
  readonly chain: string;
  readonly #key: string | undefined;
  #notAfterMs: number | undefined;

  constructor({ name, chain, key }: CompiledCertificate) {
    this.name = name;
    this.chain = chain;
    this.#key = key;
  }

  /** PEM; undefined for a trust bundle, and where this node has no need of it. */
  get key(): string | undefined {
    return this.#key;
  }

  /** Until when its first certificate is valid, on the scale of wall time; NaN when that cannot be read. */
  get notAfterMs(): number {
    return (this.#notAfterMs ??= readNotAfterMs(this.chain));
  }
}

function readNotAfterMs(chain: string): number {
  try {
    return new X509Certificate(chain).validToDate.getTime();
  } catch {
    // Whoever uses it complains; a metric is not the place.
    return NaN;
  }
}

/** Throws an Error when it is not there. */
export function namedCertificate(
  certificates: SharedMap<CertificateEntry> | undefined,
  name: string,
): CertificateEntry {
  const certificate = sharedGet(certificates, name);
  if (certificate === undefined) throw new Error(`certificate/${name} is not in the snapshot`);
  return certificate;
}

/** Throws an Error when there is no key. */
export function pairOf({ name, chain, key }: CertificateEntry): { name: string; chain: string; key: string } {
  if (key === undefined) throw new Error(`certificate/${name} came without its key`);
  return { name, chain, key };
}
