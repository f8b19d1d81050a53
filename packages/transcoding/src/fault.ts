/** Why something cannot be transcoded, and where it stands. */
export class TranscodingFault extends Error {
  /** JSON Pointer (RFC 6901) into a document; the name of a parameter; empty: all of it. */
  pointer: string;

  constructor(message: string, pointer = '') {
    super(message);
    this.pointer = pointer;
  }
}

/** Something is longer than it may be. */
export class OversizeFault extends TranscodingFault {}

/** The error of what stands in a document under `name`. */
export function located(error: unknown, name: string): unknown {
  if (error instanceof TranscodingFault) error.pointer = pointerTo(name) + error.pointer;
  return error;
}

export function pointerTo(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
