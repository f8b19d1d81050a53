/** Numbers of JSON, of which those next to the ends of int64 would round into its range. */

const edge = 2 ** 63;
/** Takes the edge to the next number beyond it. */
const outwards = 1 + Number.EPSILON;

/** The number that a text of JSON is; one beyond int64 stays beyond it. */
export function numberOf(text: string): number {
  const value = Number(text);
  return Math.abs(value) === edge && !isInt64(text) ? value * outwards : value;
}

/** `JSON.parse` with numbers as `numberOf` has them. */
export function parseJson(text: string): unknown {
  // Hot path: hardly any text holds the digits of a number near the edge.
  return /37203685477[56]/.test(text) ? JSON.parse(text, revive) : JSON.parse(text);
}

function revive(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined ? numberOf(context.source) : value;
}

function isInt64(text: string): boolean {
  return /^-?\d{19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);
}
