/** A Certificate as the table holds it. */

import type { CompiledCertificate } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

/** The key is private, so that neither a dump nor a log that is given this object shows it. */
export class CertificateEntry {
  /** "namespace/name" */
  readonly name: string;
  /** PEM, leaf first. */
  readonly chain: string;
  readonly #key: string | undefined;

  constructor({ name, chain, key }: CompiledCertificate) {
    this.name = name;
    this.chain = chain;
    this.#key = key;
  }

  /** PEM; undefined for a trust bundle, and where this node has no need of it. */
  get key(): string | undefined {
    return this.#key;
  }
}
