import { shown } from '@causeway/model/fields';
import type { Kind } from '@causeway/model/kinds/kind';
import {
  defaultNamespace,
  type Identity,
  identityOf,
  type Manifest,
  type Resource,
  resourceKey,
} from '@causeway/model/resource';
import { mediaTypes, objectBytesMaxOf, objectPath } from '@causeway/model/rest';
import { validateDocument } from '@causeway/model/validate-document';
import type { Request } from 'express';
import { shownResource } from '../status/compute-status.ts';
import { implicitGateway } from '../store/implicit-gateway.ts';
import { type Entry, entryOf } from '../store/resource-index.ts';
import { withHiddenSecrets } from '../store/secret-values.ts';
import { twinsOf } from '../validate/route-warnings.ts';
import { authWarnings } from '../validate/auth-warnings.ts';
import { tlsWarnings } from '../validate/tls-warnings.ts';
import type { WriteContext } from '../write-path.ts';
import { type Answer, queryParameters, type RequestFacts, writeHeaders } from './answer.ts';
import { ApiError, malformed } from './api-error.ts';
import { type ApiContext, currentEntry } from './context.ts';
import { mergePatch } from './merge-patch.ts';
import { checkSize, parseObject } from './parse-documents.ts';
import { documentTypes, readBody } from './read-body.ts';
import { refusal } from './refusal.ts';
import { writeContext } from './write-context.ts';

/** Which object a request is about. */
export interface Addressed {
  kind: Kind;
  identity: Identity;
}

export function getObject(context: ApiContext, { identity }: Addressed, request: Request): Answer {
  queryParameters(request, []);
  const entry = currentEntry(context, resourceKey(identity));
  if (!entry) throw noSuchObject(identity);
  const body = shownResource(entry, context.index, context.nodes);
  const now = new Date(context.clock.wallMs()).toISOString();
  const twins = entry.resource.kind === 'Route' ? twinsOf(entry, context.index, context.signatures) : [];
  const warnings = [...twins, ...tlsWarnings([entry], context.index, now), ...authWarnings([entry])];
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
  const body = await readBody(request, documentTypes, objectBytesMaxOf(kind.kind));
  const write = writeContext(request, facts);
  const manifest = validated(addressed(await parseObject(body.text, body.mediaType), kind, namespace));
  return writeObject(context, kind, resourceKey(identityOf(manifest)), write, (entry) => ({
    manifest,
    precondition: () => {
      if (entry) throw new ApiError('already_exists', `${entry.key} exists already`);
    },
  }));
}

/** PUT: creates or replaces. */
export async function putObject(
  context: ApiContext,
  { kind, identity }: Addressed,
  request: Request,
  facts: RequestFacts,
): Promise<Answer> {
  const body = await readBody(request, documentTypes, objectBytesMaxOf(kind.kind));
  const write = writeContext(request, facts);
  const parsed = await parseObject(body.text, body.mediaType);
  const manifest = validated(addressed(parsed, kind, identity.namespace, identity.name));
  const key = resourceKey(identity);
  return writeObject(context, kind, key, write, (entry) => ({
    manifest,
    precondition: () => checkPreconditions(request, key, entry),
  }));
}

/**
 * PATCH with a JSON merge patch (RFC 7396) over the object as it was written. Patched when its turn to be written has
 * come, so that of two patches at the same time neither is lost.
 */
export async function patchObject(
  context: ApiContext,
  { kind, identity }: Addressed,
  request: Request,
  facts: RequestFacts,
): Promise<Answer> {
  const { text } = await readBody(request, [mediaTypes.mergePatch], objectBytesMaxOf(kind.kind));
  const write = writeContext(request, facts);
  const patch = await parseObject(text, mediaTypes.json);
  const key = resourceKey(identity);
  return writeObject(context, kind, key, write, (entry) => {
    const before = entry ?? currentEntry(context, key);
    if (!before) throw noSuchObject(identity);
    const merged = mergePatch(withHiddenSecrets(before.resource), patch);
    checkSize(merged, key);
    return {
      manifest: validated(addressed(merged, kind, identity.namespace, identity.name)),
      precondition: () => checkPreconditions(request, key, entry),
    };
  });
}

export async function deleteObject(
  context: ApiContext,
  { identity }: Addressed,
  request: Request,
  facts: RequestFacts,
): Promise<Answer> {
  const write = writeContext(request, facts);
  const key = resourceKey(identity);
  const outcome = await context.writePath.write((index) => {
    const entry = index.get(key);
    if (!entry) throw noSuchObject(identity);
    const precondition = (): void => checkPreconditions(request, key, entry);
    return { documents: [], removals: [identity], precondition };
  }, write);
  if (outcome.refused) throw refusal(outcome, { subject: key });
  return {
    status: 200,
    body: withHiddenSecrets(outcome.objects[0]!.resource),
    headers: writeHeaders(outcome.committed?.revision, []),
  };
}

/** Fills in what the URL says; 400 where URL and body disagree. */
function addressed(document: unknown, kind: Kind, namespace: string | undefined, name?: string): unknown {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) return document;
  const { kind: writtenKind, metadata } = document as { kind?: unknown; metadata?: unknown };
  if (writtenKind !== undefined && writtenKind !== kind.kind)
    throw malformed(`the body is a ${shown(writtenKind)}, the URL is of ${kind.plural}`, '/kind');
  if (typeof metadata !== 'object' || metadata === null) return document;
  const written = metadata as Record<string, unknown>;
  const fromUrl = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
  for (const [field, value] of Object.entries(fromUrl)) {
    const given = written[field] ?? undefined;
    if (given !== undefined && given !== value)
      throw malformed(`${shown(given)} in the body, ${shown(value)} in the URL`, `/metadata/${field}`);
  }
  return { ...document, metadata: { ...written, ...fromUrl } };
}

/** The manifest of a document, or a 422 with everything that is wrong with it. */
function validated(document: unknown): Manifest {
  const { manifest, problems } = validateDocument(document, { namespace: defaultNamespace });
  if (problems) throw refusal({ refused: 'invalid', problems }, {});
  return manifest;
}

/** Writes one object; `prepare` gets what is stored under its key when it is its turn. */
async function writeObject(
  context: ApiContext,
  kind: Kind,
  key: string,
  write: WriteContext,
  prepare: (entry: Entry | undefined) => { manifest: Manifest; precondition: () => void },
): Promise<Answer> {
  let before: Entry | undefined;
  const outcome = await context.writePath.write((index) => {
    before = index.get(key);
    const { manifest, precondition } = prepare(before);
    return { documents: [{ document: 0, manifest }], removals: [], precondition };
  }, write);
  if (outcome.refused) throw refusal(outcome, { subject: key });
  const { outcome: result, resource } = outcome.objects[0]!;
  // Not read back from the index: somebody else may have written since.
  const writtenAt = outcome.committed?.committedAt ?? new Date(context.clock.wallMs()).toISOString();
  const entry = result === 'unchanged' && before ? before : entryOf(resource, writtenAt);
  const body = shownResource(entry, context.index, context.nodes);
  const headers: Record<string, string> = writeHeaders(outcome.committed?.revision, outcome.warnings);
  if (!write.dryRun) headers['etag'] = etagOf(body);
  if (result === 'created')
    headers['location'] = objectPath(kind, body.metadata.namespace, body.metadata.name);
  return { status: result === 'created' ? 201 : 200, body, headers };
}

/** RFC 9110 section 13.1: If-Match and If-None-Match against the object's resourceVersion. */
function checkPreconditions(request: Request, key: string, entry: Entry | undefined): void {
  const version = entry?.resource.metadata.resourceVersion;
  const ifMatch = request.headers['if-match'];
  // What exists without being written can be read, so what a client read can be asked for.
  if (ifMatch !== undefined && !entry && key === implicitGateway.key && listsVersion(ifMatch, '0')) return;
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

function noSuchObject(identity: Identity): ApiError {
  return new ApiError('not_found', `${resourceKey(identity)} does not exist`);
}
