import type { z } from 'zod';
import type { Problem } from '../problem.ts';

/** A place in a spec that names another object. Gateways and Roles refer to objects of namespace `default`. */
export interface Reference {
  pointer: string;
  kind: string;
  name: string;
}

/**
 * Everything that is particular to a kind, in one value: its words, its schema (which is type, defaults, documentation
 * and JSON Schema at once) and what it refers to. Adding a kind is writing one of these and listing it in `registry.ts`.
 */
export interface Kind<S extends z.ZodType = z.ZodType> {
  kind: string;
  /** Path segment and word of the CLI. */
  plural: string;
  shortNames: readonly string[];
  namespaced: boolean;
  description: string;
  verbs: readonly Verb[];
  /** Absent for kinds that only the server writes. */
  spec?: S;
  /**
   * References of a spec, in document order. Tolerant: of a spec that is not valid it gives those that can be read, so
   * that one run of validation tells about references too.
   */
  references: (spec: unknown) => Reference[];
  /** Problems that lie between fields. Tolerant in the same way. */
  check?: (spec: unknown) => Problem[];
  /**
   * Places in a spec where a secret text may stand, as paths of keys; none when absent. The text is stored apart, sealed,
   * and reads back hidden. Of a spec that is not valid it gives those that can be read.
   */
  secretPaths?: (spec: unknown) => string[][];
  /**
   * What one of these places is known by when the spec is written again, so that `(hidden)` means what it stood for: default, its path. Of places
   * in a list it is what its entries are told apart by, since their positions change.
   */
  secretPlace?: (spec: unknown, path: readonly string[]) => string;
  /**
   * Fields that are promised but not built. They are unknown fields like any other; the problem says so, so that nobody
   * hunts for a typing mistake.
   */
  plannedFields: readonly string[];
}

export type Verb = 'get' | 'list' | 'create' | 'update' | 'delete';
export const readVerbs: readonly Verb[] = ['get', 'list'];
export const writeVerbs: readonly Verb[] = ['get', 'list', 'create', 'update', 'delete'];

/** The entries of a list field of anything; none when it is no list. */
export function entriesOf(value: unknown, field: string): unknown[] {
  const list = fieldOf(value, field);
  return Array.isArray(list) ? list : [];
}

/** A field of anything; undefined when it has none. */
export function fieldOf(value: unknown, field: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, field)
    ? (value as Record<string, unknown>)[field]
    : undefined;
}
