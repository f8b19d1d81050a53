/** Values of JSON documents, with the places where they stand. */

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value of the document, and where it stands. */
export interface Located {
  readonly value: unknown;
  /** JSON Pointer */
  readonly pointer: string;
}

export function at({ value, pointer }: Located, key: string): Located {
  const inner =
    typeof value === 'object' && value !== null && Object.hasOwn(value, key)
      ? (value as never)[key]
      : undefined;
  return {
    value: inner,
    pointer: `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
  };
}

/** So many levels down are the operations and schemas of an OpenAPI document: work on it may pause there. */
export const slicedLevels = 3;
