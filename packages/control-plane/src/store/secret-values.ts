import { randomUUID } from 'node:crypto';
import { hiddenSecret, type Spec, type StoredResource } from '@causeway/model/resource';
import type { ApiProblem } from '@causeway/model/api-types';
import { pointerOf } from '@causeway/model/problem';

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

/**
 * Takes the values out of a Secret's spec: each becomes a reference, a value that has not changed (or reads `(hidden)`)
 * keeps its stored one, and the references that fall away are to be purged. `digest` is keyed, never a bare hash.
 */
export function storeSecretValues(
  written: Spec,
  before: StoredResource | undefined,
  digest: (value: string) => string,
): StoredSecrets {
  const old = referencesOf(before);
  const result: StoredSecrets = { spec: written, added: [], purged: [], problems: [] };
  const values = written['data'] as Record<string, string> | undefined;
  const kept = new Set<string>();
  const data = Object.entries(values ?? {}).map(([key, value]): [string, SecretReference | undefined] => {
    const stored = old.get(key);
    if (stored && (value === hiddenSecret || digest(value) === stored.digest)) {
      kept.add(key);
      return [key, stored];
    }
    if (value === hiddenSecret) {
      result.problems.push({
        code: 'missing',
        pointer: pointerOf(['spec', 'data', key]),
        detail: `${hiddenSecret} stands for a stored value, and there is none`,
        hint: 'write the value itself',
      });
      return [key, undefined];
    }
    const added = { ref: randomUUID(), value };
    result.added.push(added);
    return [key, { secretRef: added.ref, digest: digest(value) }];
  });
  for (const [key, stored] of old) if (!kept.has(key)) result.purged.push(stored.secretRef);
  if (values !== undefined) result.spec = { ...written, data: Object.fromEntries(data) };
  return result;
}

/** References of a stored Secret by key; empty for anything else. */
export function referencesOf(resource: StoredResource | undefined): Map<string, SecretReference> {
  const data =
    resource?.kind === 'Secret'
      ? (resource.spec['data'] as Record<string, SecretReference> | undefined)
      : undefined;
  return new Map(Object.entries(data ?? {}));
}

/** A resource as it may be shown: secret values read `(hidden)`. Everything that leaves the control plane goes through here. */
export function withHiddenSecrets<R extends StoredResource>(resource: R): R {
  if (resource.kind !== 'Secret' || resource.spec['data'] === undefined) return resource;
  const data = Object.fromEntries(
    Object.keys(resource.spec['data'] as object).map((key) => [key, hiddenSecret]),
  );
  return { ...resource, spec: { ...resource.spec, data } };
}
