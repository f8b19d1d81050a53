export interface TranscodeSettings {
  /** "namespace/name" of a DescriptorSet. */
  readonly descriptors: string;
  /** Full names; empty = all. */
  readonly services: readonly string[];
  /** Lower case, as the others. */
  readonly headers: readonly string[];
  readonly responseHeaders: readonly string[];
  readonly timeoutHeader: string;
  readonly passesUnmatched: boolean;
  readonly preserveFieldNames: boolean;
  readonly emitDefaults: boolean;
  readonly enumsAsNumbers: boolean;
  readonly ignoreUnknownFields: boolean;
  readonly messageBytesMax: number;
}
