import type { Kind } from '@causeway/model/kinds/kind';
import { defaultNamespace, type Identity, type Resource, resourceKey } from '@causeway/model/resource';
import { mediaTypes, messageHeader, objectBytesMax, objectPath } from '@causeway/model/rest';
import { validateDocument } from '@causeway/model/validate-document';
import type { Request } from 'express';
import { shownResource } from '../status/compute-status.ts';
import { type Entry, entryOf, type ResourceIndex } from '../store/resource-index.ts';
import { withHiddenSecrets } from '../store/secret-values.ts';
import type { PlanInput } from '../validate/plan.ts';
import { twinsOf } from '../validate/route-warnings.ts';
import type { WriteContext } from '../write-path.ts';
import { type Answer, flagParameter, queryParameters, type RequestFacts, writeHeaders } from './answer.ts';
import { ApiError, malformed } from './api-error.ts';
import { type ApiContext, currentEntry } from './context.ts';
import { mergePatch } from './merge-patch.ts';
import { parseObject } from './parse-documents.ts';
import { documentTypes, readBody } from './read-body.ts';
import { refusal } from './refusal.ts';

/** Which object a request is about. */
export interface Addressed {
  kind: Kind;
  identity: Identity;
}

export function getObject(context: ApiContext, { kind, identity }: Addressed, request: Request): Answer {
  queryParameters(request, []);
  const entry = currentEntry(context, resourceKey(identity));
  if (!entry) throw noSuchObject(kind, identity);
  const body = shownResource(entry, context.index, context.nodes);
  const warnings = entry.resource.kind === 'Route' ? twinsOf(entry, context.index, context.signatures) : [];
  return { status: 200, body, headers: { etag: etagOf(body), ...writeHeaders(undefined, warnings) } };
}

/** POST on a collection: creates only. */
export async function createObject(
  context: ApiContext,
  kind: Kind,
  namespace: string | undefined,
  request: Request,
  facts: RequestFacts,
): Promise<Answer> {
  const write = writeContext(request, facts);
  const document = addressed(await readDocument(request), kind, namespace, undefined);
  return writeDocument(context, kind, document, write, (_index, entry) => {
    if (entry) throw new ApiError('already_exists', `${entry.key} exists already`, { errors: [] });
  });
}

/** PUT: creates or replaces. */
export async function putObject(
  context: ApiContext,
  { kind, identity }: Addressed,
  request: Request,
  facts: RequestFacts,
): Promise<Answer> {
  const write = writeContext(request, facts);
  const document = addressed(await readDocument(request), kind, identity.namespace, identity.name);
  return writeDocument(context, kind, document, write, (_index, entry) =>
    checkPreconditions(request, resourceKey(identity), entry),
  );
}

/** PATCH with a JSON merge patch (RFC 7396) over the object as it was written. */
export async function patchObject(
  context: ApiContext,
  { kind, identity }: Addressed,
  request: Request,
  facts: RequestFacts,
): Promise<Answer> {
  const write = writeContext(request, facts);
  const { text } = await readBody(request, [mediaTypes.mergePatch], objectBytesMax);
  const patch = await parseObject(text, mediaTypes.json);
  const key = resourceKey(identity);
  const before = currentEntry(context, key);
  if (!before) throw noSuchObject(kind, identity);
  checkPreconditions(request, key, before);
  const merged = mergePatch(withHiddenSecrets(before.resource), patch) as Record<string, unknown>;
  const document = addressed(merged, kind, identity.namespace, identity.name);
  // The patch was computed from this version; a write in between makes the loop plan anew, which must not lose it.
  const version = before.resource.metadata.resourceVersion;
  return writeDocument(context, kind, document, write, (index) => {
    const now = index.get(key)?.resource.metadata.resourceVersion ?? '0';
    if (now !== version)
      throw new ApiError(
        'conflict',
        `${key} was changed by somebody else at the same time, in revision ${now}; send the patch again`,
      );
  });
}

export async function deleteObject(
  context: ApiContext,
  { kind, identity }: Addressed,
  request: Request,
  facts: RequestFacts,
): Promise<Answer> {
  const write = writeContext(request, facts);
  const key = resourceKey(identity);
  const outcome = await context.writePath.write((index) => {
    const entry = index.get(key);
    if (!entry) throw noSuchObject(kind, identity);
    checkPreconditions(request, key, entry);
    return { documents: [], removals: [identity] };
  }, write);
  if (outcome.refused) throw refusal(outcome, { subject: key });
  return {
    status: 200,
    body: withHiddenSecrets(outcome.objects[0]!.resource),
    headers: writeHeaders(outcome.revision, []),
  };
}

/** What a write is recorded with, from query parameters and headers. */
export function writeContext(
  request: Request,
  facts: RequestFacts,
  furtherParameters: readonly string[] = [],
): WriteContext {
  const parameters = queryParameters<string>(request, ['dryRun', 'message', 'force', ...furtherParameters]);
  const { dryRun, message, force } = parameters;
  if (dryRun !== undefined && dryRun !== 'All') throw malformed(`dryRun=${dryRun} is not dryRun=All`);
  return {
    author: facts.author,
    source: (request.headers['user-agent'] ?? '').slice(0, sourceLengthMax),
    message: (message ?? decodeHeader(request.headers[messageHeader])).slice(0, messageLengthMax),
    requestId: facts.requestId,
    force: flagParameter('force', force),
    dryRun: dryRun === 'All',
  };
}

const sourceLengthMax = 128;
const messageLengthMax = 1024;

function decodeHeader(value: string | string[] | undefined): string {
  const text = Array.isArray(value) ? value.join(' ') : (value ?? '');
  return Buffer.from(text, 'latin1').toString('utf8');
}

async function readDocument(request: Request): Promise<unknown> {
  const { text, mediaType } = await readBody(request, documentTypes, objectBytesMax);
  return parseObject(text, mediaType);
}

/** Fills in what the URL says; 400 where URL and body disagree. */
function addressed(
  document: unknown,
  kind: Kind,
  namespace: string | undefined,
  name: string | undefined,
): unknown {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return document;
  const { kind: writtenKind, metadata } = document as { kind?: unknown; metadata?: unknown };
  if (writtenKind !== undefined && writtenKind !== kind.kind)
    throw malformed(`the body is a ${JSON.stringify(writtenKind)}, the URL is of ${kind.plural}`, '/kind');
  if (typeof metadata !== 'object' || metadata === null) return document;
  const written = metadata as Record<string, unknown>;
  const fromUrl = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
  for (const [field, value] of Object.entries(fromUrl)) {
    const given = written[field] ?? undefined;
    if (given !== undefined && given !== value)
      throw malformed(
        `${JSON.stringify(given)} in the body, ${JSON.stringify(value)} in the URL`,
        `/metadata/${field}`,
      );
  }
  return { ...document, metadata: { ...written, ...fromUrl } };
}

async function writeDocument(
  context: ApiContext,
  kind: Kind,
  document: unknown,
  write: WriteContext,
  check: (index: ResourceIndex, entry: Entry | undefined) => void,
): Promise<Answer> {
  const { manifest, problems } = validateDocument(document, { namespace: defaultNamespace });
  if (problems) throw refusal({ refused: 'invalid', problems }, {});
  const key = resourceKey({
    kind: manifest.kind,
    namespace: manifest.metadata.namespace,
    name: manifest.metadata.name,
  });
  const outcome = await context.writePath.write((index): PlanInput => {
    check(index, index.get(key));
    return { documents: [{ document: 0, manifest }], removals: [] };
  }, write);
  if (outcome.refused) throw refusal(outcome, { subject: key });
  const [object] = outcome.objects;
  const entry = write.dryRun
    ? entryOf(object!.resource, new Date(context.clock.wallMs()).toISOString())
    : context.index.get(key)!;
  const body = shownResource(entry, context.index, context.nodes);
  const headers: Record<string, string> = writeHeaders(outcome.revision, outcome.warnings);
  if (!write.dryRun) headers['etag'] = etagOf(body);
  if (object!.outcome === 'created')
    headers['location'] = objectPath(kind, body.metadata.namespace, body.metadata.name);
  return { status: object!.outcome === 'created' ? 201 : 200, body, headers };
}

/** RFC 9110 section 13.1: If-Match and If-None-Match against the object's resourceVersion. */
function checkPreconditions(request: Request, key: string, entry: Entry | undefined): void {
  const version = entry?.resource.metadata.resourceVersion;
  const ifMatch = request.headers['if-match'];
  if (ifMatch !== undefined && !(version !== undefined && listsVersion(ifMatch, version))) {
    throw new ApiError(
      'precondition_failed',
      version === undefined
        ? `${key} does not exist`
        : `${key} is at resourceVersion ${version}, not ${ifMatch.replaceAll('"', '')}`,
    );
  }
  const ifNoneMatch = request.headers['if-none-match'];
  if (ifNoneMatch !== undefined && version !== undefined && listsVersion(ifNoneMatch, version)) {
    throw new ApiError('precondition_failed', `${key} exists at resourceVersion ${version}`);
  }
}

function listsVersion(header: string, version: string): boolean {
  return header.split(',').some((tag) => [`"${version}"`, '*'].includes(tag.trim()));
}

function etagOf(resource: Resource): string {
  return `"${resource.metadata.resourceVersion}"`;
}

export function noSuchObject(kind: Kind, identity: Identity): ApiError {
  return new ApiError('not_found', `${resourceKey({ ...identity, kind: kind.kind })} does not exist`);
}
