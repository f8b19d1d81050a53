/** A request target of origin form (RFC 9112 section 3.2.1); `query` without the `?`. */
export function targetOf(path: string, query: string | undefined): string {
  return query === undefined ? path : `${path}?${query}`;
}
