import { randomUUID } from 'node:crypto';
import type { ApiProblem } from '@causeway/model/api-types';
import { fieldOf, type Kind } from '@causeway/model/kinds/kind';
import { kindNamed } from '@causeway/model/kinds/registry';
import { pointerOf } from '@causeway/model/problem';
import { hiddenSecret, type Spec, type StoredResource } from '@causeway/model/resource';
import { putAt, valueAt } from '@causeway/model/value-at';

/** What resources and history hold instead of a secret value. */
export interface SecretReference {
  secretRef: string;
  /** Keyed digest of the value, so that writing the same value again is no change. */
  digest: string;
}

export interface StoredSecrets {
  /** The spec with references in the place of values. */
  spec: Spec;
  added: { ref: string; value: string }[];
  purged: string[];
  problems: ApiProblem[];
}

/** Opens the value behind a reference; undefined when there is none. */
export type ReadSecret = (ref: string) => string | undefined;

/**
 * Takes the secret values out of a spec: each becomes a reference, a value that has not changed (or reads `(hidden)`)
 * keeps its stored one, and the references that fall away are to be purged. `digest` is keyed, never a bare hash.
 */
export function storeSecretValues(
  kind: Kind,
  written: Spec,
  before: StoredResource | undefined,
  digest: (value: string) => string,
): StoredSecrets {
  const old = referencesOf(before);
  const paths = kind.secretPaths?.(written) ?? [];
  const spec = paths.length === 0 ? written : structuredClone(written);
  const result: StoredSecrets = { spec, added: [], purged: [], problems: [] };
  const kept = new Set<string>();
  for (const path of paths) {
    const value = valueAt(written, path);
    // What is no text refers to a Secret.
    if (typeof value !== 'string') continue;
    const pointer = pointerOf(['spec', ...path]);
    const place = placeOf(kind, written, path);
    const stored = old.get(place);
    if (stored && (value === hiddenSecret || digest(value) === stored.digest)) {
      kept.add(place);
      putAt(spec, path, stored);
    } else if (value === hiddenSecret) {
      result.problems.push({
        code: 'missing',
        pointer,
        detail: `${hiddenSecret} stands for a stored value, and there is none`,
        hint: 'write the value itself',
      });
    } else {
      const ref = randomUUID();
      result.added.push({ ref, value });
      putAt(spec, path, { secretRef: ref, digest: digest(value) });
    }
  }
  for (const [place, stored] of old) if (!kept.has(place)) result.purged.push(stored.secretRef);
  return result;
}

/** References of a stored resource by what their places are known by; empty for most kinds. */
export function referencesOf(resource: StoredResource | undefined): Map<string, SecretReference> {
  const found = new Map<string, SecretReference>();
  if (resource === undefined) return found;
  const kind = kindNamed(resource.kind);
  for (const path of kind?.secretPaths?.(resource.spec) ?? []) {
    const reference = secretReference(valueAt(resource.spec, path));
    if (reference) found.set(placeOf(kind!, resource.spec, path), reference);
  }
  return found;
}

function placeOf(kind: Kind, spec: Spec, path: readonly string[]): string {
  return kind.secretPlace?.(spec, path) ?? pointerOf(['spec', ...path]);
}

/** A stored value as the reference that it is; undefined for anything else. */
export function secretReference(value: unknown): SecretReference | undefined {
  return typeof fieldOf(value, 'secretRef') === 'string' ? (value as SecretReference) : undefined;
}

/** A resource as it may be shown: secret values read `(hidden)`. Everything that leaves the control plane goes through here. */
export function withHiddenSecrets<R extends StoredResource>(stored: R): Omit<R, 'serverKeys' | 'pinned'> {
  const { serverKeys, pinned, ...others } = stored;
  const resource = serverKeys === undefined && pinned === undefined ? stored : others;
  const paths = (kindNamed(resource.kind)?.secretPaths?.(resource.spec) ?? []).filter((path) =>
    secretReference(valueAt(resource.spec, path)),
  );
  if (paths.length === 0) return resource;
  const spec = structuredClone(resource.spec);
  for (const path of paths) putAt(spec, path, hiddenSecret);
  return { ...resource, spec };
}
