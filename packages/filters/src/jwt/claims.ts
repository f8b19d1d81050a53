/** Claims that must be there. */

import { claimAt } from '../identity.ts';

export interface RequiredClaim {
  /** Dotted path. */
  readonly claim: string;
  /** One of them must be its value, or be in the list that it is. */
  readonly values: readonly unknown[];
}

/** The first claim that is not met; undefined: all are. */
export function meetsClaims(
  claims: Readonly<Record<string, unknown>>,
  required: readonly RequiredClaim[],
): string | undefined {
  for (const { claim, values } of required) {
    const found = [claimAt(claims, claim)].flat();
    if (!values.some((value) => found.includes(value))) return claim;
  }
  return undefined;
}

/** Texts of a claim: of a list its texts, of a text itself, or with `separator` its words. Nothing else counts. */
export function claimWords(
  claims: Readonly<Record<string, unknown>>,
  path: string,
  separator?: string,
): readonly string[] {
  const value = claimAt(claims, path);
  const words =
    typeof value === 'string' && separator !== undefined ? value.split(separator) : [value].flat();
  return words.filter((word): word is string => typeof word === 'string' && word !== '');
}
