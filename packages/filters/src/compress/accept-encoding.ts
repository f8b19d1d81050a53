/** Which coding a client is to get (RFC 9110 section 12.5.3). */

export type Encoding = 'zstd' | 'br' | 'gzip';

/**
 * Of `encodings` the one that the client likes best, the first of those that it likes the same; undefined: the body as it is, because the
 * client likes that better, or none of them.
 */
export function chooseEncoding(
  accept: string | undefined,
  encodings: readonly Encoding[],
): Encoding | undefined {
  if (accept === undefined) return undefined;
  const weights = readWeights(accept);
  let best: Encoding | undefined;
  let bestWeight = weights.get('identity') ?? 0;
  for (const encoding of encodings) {
    const weight =
      weights.get(encoding) ??
      (encoding === 'gzip' ? weights.get('x-gzip') : undefined) ??
      weights.get('*') ??
      0;
    if (weight === 0 || (best === undefined ? weight < bestWeight : weight <= bestWeight)) continue;
    best = encoding;
    bestWeight = weight;
  }
  return best;
}

/** A header may be as long as a head allows; so many codings are more than there are. */
const entriesMax = 32;

function readWeights(accept: string): Map<string, number> {
  const weights = new Map<string, number>();
  for (const entry of accept.split(',', entriesMax)) {
    const [coding = '', ...parameters] = entry.split(';', 4).map((part) => part.trim().toLowerCase());
    if (coding === '') continue;
    const written = parameters.find((parameter) => parameter.startsWith('q='));
    const weight = written === undefined ? 1 : Number(written.slice(2));
    weights.set(coding, weight >= 0 && weight <= 1 ? weight : 0);
  }
  return weights;
}
