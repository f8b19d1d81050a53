import type { ResourceList } from '@causeway/model/api-types';
import { unlistedData } from '@causeway/model/kinds/descriptor-set';
import type { Kind } from '@causeway/model/kinds/kind';
import { apiVersion, type Resource } from '@causeway/model/resource';
import { type Entry, entryOf } from '../store/resource-index.ts';
import { shownResource } from '../status/compute-status.ts';
import { limitParameter } from './answer.ts';
import { ApiError, malformed } from './api-error.ts';
import { type ApiContext, currentEntries, withImplicitGateway } from './context.ts';
import { parseFieldSelector, parseLabelSelector } from './select.ts';

export interface ListQuery {
  limit?: string;
  continue?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

const fieldsSelected = ['metadata.name', 'metadata.namespace'] as const;

/** Where a listing goes on: all its pages are of one revision, and it cannot be forged into another's. */
interface Continuation {
  revision: number;
  after: string;
}

/** One page of a kind, by namespace and name. */
export async function listObjects(
  context: ApiContext,
  kind: Kind,
  namespace: string | undefined,
  query: ListQuery,
): Promise<ResourceList> {
  const limit = limitParameter(query.limit);
  const continuation = query.continue ? openContinuation(context, query.continue) : undefined;
  const revision = continuation?.revision ?? context.index.revision;
  const matches = selector(query, namespace);
  const all = (await entriesAt(context, kind, revision))
    .filter(matches)
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const rest = continuation ? all.filter((entry) => entry.key > continuation.after) : all;
  const page = rest.slice(0, limit);
  const remaining = rest.length - page.length;
  return {
    apiVersion,
    kind: `${kind.kind}List`,
    metadata: {
      resourceVersion: String(revision),
      continue: remaining > 0 ? sealContinuation(context, { revision, after: page.at(-1)!.key }) : '',
      remainingItemCount: remaining,
    },
    items: page.map((entry) => inList(shownResource(entry, context.index, context.nodes))),
  };
}

/** Without what has megabytes. */
function inList(resource: Resource): Resource {
  return resource.kind === 'DescriptorSet' && resource.spec['data'] !== undefined
    ? { ...resource, spec: { ...resource.spec, data: unlistedData } }
    : resource;
}

function selector(query: ListQuery, namespace: string | undefined): (entry: Entry) => boolean {
  const labels = query.labelSelector ? parseLabelSelector(query.labelSelector) : undefined;
  const fields = query.fieldSelector ? parseFieldSelector(query.fieldSelector, fieldsSelected) : undefined;
  return ({ resource: { metadata } }) =>
    (namespace === undefined || metadata.namespace === namespace) &&
    (labels?.(metadata.labels) ?? true) &&
    (fields?.((field) => (field === 'metadata.name' ? metadata.name : (metadata.namespace ?? ''))) ?? true);
}

/** A page that crosses a write is answered from history, so that no object is skipped or shown twice. */
async function entriesAt(context: ApiContext, kind: Kind, revision: number): Promise<Entry[]> {
  const { index, store } = context;
  if (revision === index.revision) return currentEntries(context, kind.kind);
  if (revision > index.revision)
    throw new ApiError(
      'expired',
      'the listing is of a revision that this store does not have; start it again',
    );
  const then = await store.at(revision);
  const entries = then
    .filter(({ resource }) => resource.kind === kind.kind)
    .map(({ resource, committedAt }) => entryOf(resource, committedAt));
  return kind.kind === 'Gateway' ? withImplicitGateway(entries) : entries;
}

function sealContinuation({ keyring }: ApiContext, { revision, after }: Continuation): string {
  const text = JSON.stringify([revision, after]);
  return Buffer.concat([keyring.sign('continue-token', text), Buffer.from(text)]).toString('base64url');
}

function openContinuation({ keyring }: ApiContext, token: string): Continuation {
  const bytes = Buffer.from(token, 'base64url');
  const text = bytes.subarray(32).toString();
  if (!keyring.verify('continue-token', text, bytes.subarray(0, 32)))
    throw malformed('continue is no token of this server', undefined, 'start the listing again');
  const [revision, after] = JSON.parse(text) as [number, string];
  return { revision, after };
}
