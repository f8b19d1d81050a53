// What the router is given: one Rule for each match of a Route, with the Route's own value carried along untouched.

import type { PathMatch } from './path-pattern.ts';

/** A test of a header, query parameter or cookie. `regex` is RE2 syntax, anchored at both ends. */
export type ValuePredicate = { readonly name: string } & (
  | { readonly exact: string }
  | { readonly prefix: string }
  | { readonly regex: string }
  | { readonly present: boolean }
);

/** One match of one Route. The router never changes it and hands back this very object. */
export interface Rule<T> {
  /** `namespace/name` of the Route; the unit of removal. */
  readonly key: string;
  /** Position of the match in its Route; unique in the key. */
  readonly index: number;
  /** Lower-case names or `*.suffix`; empty takes every host. */
  readonly hosts: readonly string[];
  readonly path: PathMatch;
  /** Upper-case tokens; empty takes every method. `GET` does not imply `HEAD`. */
  readonly methods: readonly string[];
  readonly headers: readonly ValuePredicate[];
  readonly query: readonly ValuePredicate[];
  readonly cookies: readonly ValuePredicate[];
  /** Higher wins, after everything that the request decides. */
  readonly priority: number;
  /** Bits of `encodedCharacters` that this Route lets through. */
  readonly allowEncoded: number;
  readonly value: T;
}
