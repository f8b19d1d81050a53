import type { AdminClient } from '@causeway/admin-client/client';
import { AdminApiError } from '@causeway/admin-client/errors';
import { fieldOf, type Kind } from '@causeway/model/kinds/kind';
import { hiddenSecret, reservedAnnotationPrefix, type Resource } from '@causeway/model/resource';
import { putAt, valueAt } from '@causeway/model/value-at';
import { withoutNulls } from '@causeway/model/validate-document';

/** The part of an object that its author writes; what is empty is absent. */
export interface Comparable {
  metadata?: { labels?: object; annotations?: object };
  spec?: unknown;
}

/** From a stored object or from a document, whose null is absent. */
export function comparable(resource: unknown): Comparable {
  const sparse = withoutNulls(resource);
  const metadata = fieldOf(sparse, 'metadata');
  const annotations = Object.entries(fieldOf(metadata, 'annotations') ?? {}).filter(
    ([key]) => !key.startsWith(reservedAnnotationPrefix),
  );
  const labels = fieldOf(metadata, 'labels') as object | undefined;
  const written = {
    ...(labels !== undefined && Object.keys(labels).length > 0 ? { labels } : {}),
    ...(annotations.length > 0 ? { annotations: Object.fromEntries(annotations) } : {}),
  };
  const spec = fieldOf(sparse, 'spec');
  return {
    ...(Object.keys(written).length > 0 ? { metadata: written } : {}),
    ...(spec === undefined ? {} : { spec }),
  };
}

const anotherValue = '(hidden, another value)';

/**
 * An object of a file with its secret values masked. Which of the stored ones they equal, the server alone can tell, so it
 * is asked for each of them: would this value alone change the object?
 */
export async function maskedSecrets(
  client: AdminClient,
  kind: Kind,
  document: unknown,
  stored: Resource | undefined,
): Promise<Comparable> {
  const written = structuredClone(comparable(document));
  for (const path of kind.secretPaths?.(written.spec) ?? []) {
    const value = valueAt(written.spec, path);
    if (typeof value !== 'string') continue;
    const isKept =
      stored === undefined || valueAt(stored.spec, path) !== hiddenSecret || value === hiddenSecret;
    const isSame = isKept || (await isStored(client, stored, path, value));
    putAt(written.spec, path, isSame ? hiddenSecret : anotherValue);
  }
  return written;
}

async function isStored(
  client: AdminClient,
  stored: Resource,
  path: readonly string[],
  value: string,
): Promise<boolean> {
  const { kind, apiVersion, metadata } = stored;
  const { labels, annotations, name, namespace } = metadata;
  const spec = structuredClone(stored.spec);
  putAt(spec, path, value);
  const probe = { apiVersion, kind, metadata: { name, namespace, labels, annotations }, spec };
  try {
    const { objects } = await client.apply({ documents: [probe] }, { dryRun: true });
    return objects[0]?.result === 'unchanged';
  } catch (error) {
    // A key that does not belong to the stored certificate is not the stored key.
    if (error instanceof AdminApiError && error.status === 422) return false;
    throw error;
  }
}
