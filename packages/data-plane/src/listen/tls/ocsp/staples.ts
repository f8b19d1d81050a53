/** Answers of OCSP that handshakes show, as a worker holds them: its supervisor asks for them. */

import { hash } from 'node:crypto';
import type { Clock } from '@causeway/runtime/clock';

/** What an authority has said of a certificate, signed. */
export interface Staple {
  /** DER of an OCSPResponse. */
  readonly response: Uint8Array;
  /** On the scale of wall time; never shown from then on. */
  readonly untilMs: number;
}

/** What has become of the staple of a certificate; undefined = there is none any more. */
export interface StapleChange {
  /** Of the certificate, as `fingerprintOf` says. */
  readonly fingerprint: string;
  readonly staple: Staple | undefined;
}

/** Tells certificates apart: SHA-256 of the DER form, lower-case hex. */
export function fingerprintOf(certificate: Uint8Array): string {
  return hash('sha256', certificate, 'hex');
}

export class Staples {
  readonly #clock: Pick<Clock, 'wallMs'>;
  readonly #staples = new Map<string, { readonly response: Buffer; readonly untilMs: number }>();

  constructor(clock: Pick<Clock, 'wallMs'>) {
    this.#clock = clock;
  }

  learn({ fingerprint, staple }: StapleChange): void {
    if (staple === undefined) this.#staples.delete(fingerprint);
    else this.#staples.set(fingerprint, { response: Buffer.from(staple.response), untilMs: staple.untilMs });
  }

  /** For a certificate in DER form; null when there is none that is still valid. Never throws: it is called within handshakes. */
  find(certificate: Uint8Array): Buffer | null {
    const staple = this.#staples.get(fingerprintOf(certificate));
    return staple !== undefined && this.#clock.wallMs() < staple.untilMs ? staple.response : null;
  }
}
