import type { AdminClient } from '@causeway/admin-client/client';
import { fieldOf } from '@causeway/model/kinds/kind';
import { hiddenSecret, reservedAnnotationPrefix, type Resource } from '@causeway/model/resource';
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
 * A Secret of a file with its values masked. Which of the stored ones they equal, the server alone can tell, so it is asked
 * for each key: would this value alone change the Secret?
 */
export async function maskedSecret(
  client: AdminClient,
  document: unknown,
  stored: Resource | undefined,
): Promise<Comparable> {
  const written = comparable(document);
  const before = dataOf(stored);
  const data: Record<string, string> = {};
  for (const [key, value] of Object.entries(dataOf(written))) {
    const isKept = stored === undefined || !Object.hasOwn(before, key) || value === hiddenSecret;
    data[key] = isKept || (await isStored(client, stored, key, value)) ? hiddenSecret : anotherValue;
  }
  return { ...written, spec: { ...(written.spec as object | undefined), data } };
}

async function isStored(
  client: AdminClient,
  stored: Resource,
  key: string,
  value: unknown,
): Promise<boolean> {
  const { kind, apiVersion, metadata } = stored;
  const { labels, annotations, name, namespace } = metadata;
  const probe = {
    apiVersion,
    kind,
    metadata: { name, namespace, labels, annotations },
    spec: { ...stored.spec, data: { ...dataOf(stored), [key]: value } },
  };
  const { objects } = await client.apply({ documents: [probe] }, { dryRun: true });
  return objects[0]?.result === 'unchanged';
}

function dataOf(resource: unknown): Record<string, unknown> {
  return (fieldOf(fieldOf(resource, 'spec'), 'data') ?? {}) as Record<string, unknown>;
}
