/**
 * "Did you mean": edit distance for typing mistakes, and a table of the words that other gateways use for the same
 * thing, because people paste their HTTPRoute, Kong and Traefik files on the first day.
 */

/** Foreign field name -> what to write here. A trailing sentence may follow the name. */
const foreignNames = new Map<string, string>([
  ['hostnames', '"hosts"'],
  ['match', '"matches"'],
  ['rules', '"matches", one Route per rule'],
  ['parentRefs', '"gateways"'],
  ['backendRefs', '"backends"'],
  ['services', '"backends"'],
  ['upstream', '"backends"'],
  ['paths', '"matches[].path"'],
  ['queryParams', '"query"'],
  ['strip_path', '"rewrite.path.prefix"'],
  ['preserve_host', '"rewrite.host"'],
  ['passHostHeader', '"rewrite.host"'],
  ['sessionPersistence', '"affinity"'],
  ['sticky', '"affinity"'],
  ['sessionAffinity', '"affinity"'],
  ['plugins', '"filters"'],
  ['middlewares', '"filters"'],
  ['retries', '"retry"'],
  ['retryOn', '"retry.errors" or "retry.statuses"'],
  ['on', '"retry.errors" or "retry.statuses"'],
  ['codes', '"retry.errors" or "retry.statuses"'],
  ['perTryTimeout', '"timeouts.backendRequest"'],
  ['targets', '"endpoints"'],
  ['servers', '"endpoints"'],
  ['nodes', '"endpoints"'],
  ['connect_timeout', '"timeouts.connect" of the Service'],
  ['read_timeout', '"timeouts.idle"'],
  ['timeout', '"timeouts.request"'],
  ['outlierDetection', '"healthCheck.passive"'],
  ['certificateRefs', '"certificates"'],
  ['insecureSkipVerify', '"tls.verify: false"'],
  ['allowedOrigins', '"allowOrigins"'],
  ['origins', '"allowOrigins"'],
  ['url', '"address" and "port"'],
  ['consumerGroups', '"groups"'],
  ['enable_websocket', '"websocket.enabled"'],
  ['maxPayload', '"maxMessageSize"'],
  ['heartbeat', '"pingInterval"'],
  ['requestTermination', '"respond"'],
  ['directResponse', '"respond"'],
  ['direct_response', '"respond"'],
  ['static_response', '"respond"'],
]);

/** A word longer than this is not compared: nobody mistypes a known field into it. */
const comparedLengthMax = 64;

/** The known word nearest to `word`, or undefined when none is near enough to be meant. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > comparedLengthMax) return undefined;
  const lower = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = candidate.toLowerCase() === lower ? 0 : editDistance(lower, candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Hint for a word that should have been one of `known`, such as `did you mean "orders"?`. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const candidate = nearest(word, known);
  return candidate === undefined ? undefined : `did you mean ${JSON.stringify(candidate)}?`;
}

/** Hint for an unknown field: the foreign word's equivalent when it exists here, else the nearest known field. */
export function unknownFieldHint(field: string, known: readonly string[]): string | undefined {
  const near = nearest(field, known);
  const foreign = foreignNames.get(field);
  if (foreign !== undefined && (near === undefined || foreign.startsWith(`"${near}`))) {
    return `did you mean ${foreign}?`;
  }
  return near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
}

/** Damerau-Levenshtein distance in the restricted (optimal string alignment) form. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min(row[j - 1]! + 1, previous[j]! + 1, previous[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        value = Math.min(value, before[j - 2]! + 1);
      }
      row.push(value);
    }
    [before, previous] = [previous, row];
  }
  return previous[b.length]!;
}
