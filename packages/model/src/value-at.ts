import { fieldOf } from './kinds/kind.ts';

/** What stands at a path of keys; undefined where there is nothing. */
export function valueAt(root: unknown, path: readonly string[]): unknown {
  return path.reduce(fieldOf, root);
}

/** Puts a value at a path that leads through mappings which are there; changes `root`. */
export function putAt(root: unknown, path: readonly string[], value: unknown): void {
  (valueAt(root, path.slice(0, -1)) as Record<string, unknown>)[path.at(-1)!] = value;
}
