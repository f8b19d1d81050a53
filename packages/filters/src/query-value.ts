/**
 * The first value of a query parameter, with escapes decoded to bytes and `+` to a space (WHATWG URL section 5.1); undefined when the
 * query has no such parameter. `name` is a byte string. What is no escape stays as it stands: the query belongs to the upstream.
 */
export function queryValue(query: string | undefined, name: string): string | undefined {
  for (const pair of query === undefined || query === '' ? [] : query.split('&')) {
    if (parameterName(pair) !== name) continue;
    const equals = pair.indexOf('=');
    return equals === -1 ? '' : decoded(pair.slice(equals + 1));
  }
  return undefined;
}

/** The query without its parameters of these names (byte strings); the others stay as they were sent. Undefined: nothing is left. */
export function withoutParameters(query: string, names: ReadonlySet<string>): string | undefined {
  return parametersOf(query, (name) => !names.has(name));
}

/** Those of these names alone, likewise. */
export function onlyParameters(query: string, names: ReadonlySet<string>): string | undefined {
  return parametersOf(query, (name) => names.has(name));
}

function parametersOf(query: string, isWanted: (name: string) => boolean): string | undefined {
  const kept = query.split('&').filter((pair) => isWanted(parameterName(pair)));
  return kept.length === 0 ? undefined : kept.join('&');
}

/** Of `name=value` as it stands in a query. */
export function parameterName(pair: string): string {
  const equals = pair.indexOf('=');
  return decoded(equals === -1 ? pair : pair.slice(0, equals));
}

function decoded(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  return spaced.replaceAll(/%([0-9A-Fa-f]{2})/g, (_escape, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
}
