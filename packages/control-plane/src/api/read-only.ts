import type { ApiResources, ResourceList, RevisionResource } from '@causeway/model/api-types';
import { documentSchema } from '@causeway/model/json-schema';
import { kindByWord, kindHint, kinds } from '@causeway/model/kinds/registry';
import { apiVersion } from '@causeway/model/resource';
import type { Request } from 'express';
import { nodeResource } from '../status/revision-status.ts';
import type { RevisionRecord } from '../store/store.ts';
import { type Answer, limitParameter, queryParameters } from './answer.ts';
import { ApiError, malformed } from './api-error.ts';
import type { ApiContext } from './context.ts';
import { parseLabelSelector } from './select.ts';

/** `GET` of the API's root: every kind with its words and verbs. */
export function listKinds(request: Request): Answer {
  queryParameters(request, []);
  const body: ApiResources = {
    apiVersion,
    kind: 'ApiResourceList',
    resources: kinds.map(({ kind, plural, shortNames, namespaced, verbs, spec, description }) => ({
      kind,
      plural,
      shortNames: [...shortNames],
      namespaced,
      verbs: [...verbs],
      writable: spec !== undefined,
      description,
    })),
  };
  return { status: 200, body };
}

export function kindSchema(request: Request, plural: string): Answer {
  queryParameters(request, []);
  const kind = kindByWord(plural);
  if (!kind) throw unknownKind(plural);
  return { status: 200, body: documentSchema(kind) };
}

export function unknownKind(word: string): ApiError {
  const hint = kindHint(word);
  return new ApiError(
    'not_found',
    `no kind ${JSON.stringify(word)}${hint === undefined ? '' : ` (${hint})`}`,
  );
}

/** By name; `continue` is the name to go on after. */
export function listNodes({ nodes }: ApiContext, request: Request): Answer {
  const query = queryParameters(request, ['labelSelector', 'limit', 'continue']);
  const selected = query.labelSelector ? parseLabelSelector(query.labelSelector) : undefined;
  const rest = nodes
    .all()
    .filter(({ id, facts }) => id > (query.continue ?? '') && (selected?.(facts.labels) ?? true));
  const page = rest.slice(0, limitParameter(query.limit));
  const remaining = rest.length - page.length;
  const items = page.map((node) => nodeResource(node, nodes.nowMs));
  const next = remaining > 0 ? page.at(-1)!.id : '';
  return { status: 200, body: listOf('NodeList', items, next, remaining) };
}

export function getNode({ nodes }: ApiContext, request: Request, name: string): Answer {
  queryParameters(request, []);
  const node = nodes.get(name);
  if (!node) throw new ApiError('not_found', `node/${name} does not exist`);
  return { status: 200, body: nodeResource(node, nodes.nowMs) };
}

/** Newest first; `continue` is the revision to go on below. */
export async function listRevisions({ store }: ApiContext, request: Request): Promise<Answer> {
  const query = queryParameters(request, ['limit', 'continue']);
  const limit = limitParameter(query.limit);
  const before =
    query.continue === undefined || query.continue === '' ? undefined : revisionNumber(query.continue);
  const page = await store.revisions({ limit, ...(before === undefined ? {} : { before }) });
  // Revisions are numbered from 1 without a gap, so what is left is known without a look.
  const remaining = (page.at(-1)?.revision ?? 1) - 1;
  const next = remaining > 0 ? String(page.at(-1)!.revision) : '';
  return { status: 200, body: listOf('RevisionList', page.map(revisionResource), next, remaining) };
}

export async function getRevision(context: ApiContext, request: Request, name: string): Promise<Answer> {
  queryParameters(request, []);
  return { status: 200, body: revisionResource(await existingRevision(context, name)) };
}

export async function existingRevision({ store }: ApiContext, name: string): Promise<RevisionRecord> {
  const record = await store.revision(revisionNumber(name));
  if (!record) throw new ApiError('not_found', `revision/${name} does not exist`);
  return record;
}

function revisionNumber(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text))
    throw malformed(`${JSON.stringify(text)} is no revision`, undefined, 'revisions are numbers');
  return Number(text);
}

function revisionResource(record: RevisionRecord): RevisionResource {
  const { revision, committedAt, author, source, message, changes } = record;
  return {
    apiVersion,
    kind: 'Revision',
    metadata: { name: String(revision), creationTimestamp: committedAt },
    revision,
    committedAt,
    author,
    source,
    message,
    changes,
  };
}

function listOf<R>(kind: string, items: R[], next: string, remainingItemCount: number): ResourceList<R> {
  const metadata = { resourceVersion: '', continue: next, remainingItemCount };
  return { apiVersion, kind, metadata, items };
}
