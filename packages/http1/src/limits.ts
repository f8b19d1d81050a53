/** Bounds on what one message may cost before it is refused. */

export interface HeadLimits {
  /** Bytes of start line, field lines and the empty line that ends them, line ends included. */
  readonly headBytesMax: number;
  /** Field lines; of a trailer section too. */
  readonly fieldsMax: number;
  /** Bytes of a request-target. */
  readonly targetBytesMax: number;
  /** Informational responses before the final one. */
  readonly informationalMax: number;
  /** Bytes of a trailer section, line ends included. */
  readonly trailerBytesMax: number;
  /** Bytes of all chunk extensions of a body. */
  readonly extensionBytesMax: number;
}

/** What applies where nobody says otherwise. */
export const defaultLimits: HeadLimits = {
  headBytesMax: 32_768,
  fieldsMax: 200,
  targetBytesMax: 8192,
  informationalMax: 16,
  trailerBytesMax: 8192,
  extensionBytesMax: 4096,
};
