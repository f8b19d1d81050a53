/** Which streams an operator asks for. */

/** An absent part is any. */
export interface StreamQuery {
  /** So many are told, the oldest. */
  readonly limit: number;
  /** Of the Route. */
  readonly namespace?: string;
  /** "namespace/name" */
  readonly route?: string;
  readonly service?: string;
  readonly kind?: string;
  /** Address. */
  readonly client?: string;
}

const listedMax = 5000;

/** Of the arguments of the command `connections`. Throws a sentence where they are none. */
export function streamQuery(args: unknown): StreamQuery {
  const given = typeof args === 'object' && args !== null ? (args as Record<string, unknown>) : {};
  const { limit } = given;
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 0 || limit > listedMax)
    throw new Error(`the command needs {"limit": 0 to ${listedMax}}`);
  const query: Record<string, string> = {};
  for (const name of ['namespace', 'route', 'service', 'kind', 'client']) {
    const value = given[name];
    if (typeof value === 'string') query[name] = value;
    else if (value !== undefined) throw new Error(`"${name}" is a text`);
  }
  return { limit, ...query };
}
