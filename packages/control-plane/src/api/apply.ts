import type { ApplyResult } from '@causeway/model/api-types';
import { name as nameField } from '@causeway/model/fields';
import { fieldOf } from '@causeway/model/kinds/kind';
import { kindByWord, kindNamed, kinds } from '@causeway/model/kinds/registry';
import { apiVersion, defaultNamespace, type Identity } from '@causeway/model/resource';
import { applyBytesMax, mediaTypes } from '@causeway/model/rest';
import { validateDocument } from '@causeway/model/validate-document';
import type { Request } from 'express';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { BrokenDocument, PlanInput, PlannedDocument, PlannedObject } from '../validate/plan.ts';
import { type LabelSelector, parseLabelSelector } from './select.ts';
import { type Answer, flagParameter, queryParameters, type RequestFacts, writeHeaders } from './answer.ts';
import { ApiError, malformed } from './api-error.ts';
import type { ApiContext } from './context.ts';
import { checkSize, documentsMax, parseBody } from './parse-documents.ts';
import { documentTypes, readBody } from './read-body.ts';
import { refusal } from './refusal.ts';
import { writeContext, writeParameters } from './write-context.ts';
import type { ResourceIndex } from '../store/resource-index.ts';

const applyParameters = ['namespace', 'prune', 'labelSelector'] as const;

/** Validation lets others have a turn of the event loop after this. */
const turnMsMax = 10;

interface ApplyBody {
  documents: unknown[];
  remove: Identity[];
}

/** Many documents as one transaction and one revision: all of them, or nothing. */
export async function apply(context: ApiContext, request: Request, facts: RequestFacts): Promise<Answer> {
  const { text, mediaType } = await readBody(request, documentTypes, applyBytesMax);
  const write = writeContext(request, facts, applyParameters);
  const { namespace, prune } = pruneParameters(request);
  const body = bodyOf(await parseBody(text, mediaType), mediaType);
  const validated = await validateAll(body.documents, namespace);
  const outcome = await context.writePath.write((index): PlanInput => {
    const pruned = prune ? prunable(index, prune, validated.documents) : [];
    return { ...validated, removals: [...body.remove, ...pruned] };
  }, write);
  if (outcome.refused) throw refusal(outcome, { documents: body.documents.length });
  const { objects, warnings, changes, committed, current } = outcome;
  const result: ApplyResult = {
    apiVersion,
    kind: 'ApplyResult',
    revision: current,
    changed: changes.length,
    dryRun: write.dryRun,
    objects: objects.map(appliedObject),
    warnings,
  };
  return { status: 200, body: result, headers: writeHeaders(committed?.revision, warnings) };
}

function appliedObject({ document, key, outcome, resource }: PlannedObject): ApplyResult['objects'][number] {
  const { resourceVersion, generation } = resource.metadata;
  return {
    ...(document === undefined ? {} : { document }),
    resource: key,
    result: outcome,
    ...(outcome === 'deleted' ? {} : { resourceVersion, generation }),
  };
}

/** `namespace` is for documents that name none; `prune` is the selector of what goes when it is not in the request. */
function pruneParameters(request: Request): {
  namespace: string | undefined;
  prune: LabelSelector | undefined;
} {
  const parameters = queryParameters<string>(request, [...writeParameters, ...applyParameters]);
  const { namespace, labelSelector } = parameters;
  if (namespace !== undefined && !nameField.safeParse(namespace).success)
    throw malformed(`namespace=${namespace} is not a name`, undefined, 'lower-case letters, digits and "-"');
  if (!flagParameter('prune', parameters['prune'])) return { namespace, prune: undefined };
  if (!labelSelector)
    throw malformed(
      'prune=true needs a labelSelector',
      undefined,
      'it says what belongs to this set of documents',
    );
  return { namespace, prune: parseLabelSelector(labelSelector) };
}

type Validated = Required<Pick<PlanInput, 'documents' | 'broken'>>;

async function validateAll(values: readonly unknown[], namespace: string | undefined): Promise<Validated> {
  const documents: PlannedDocument[] = [];
  const broken: BrokenDocument[] = [];
  let turnBeganMs = performance.now();
  for (const [document, value] of values.entries()) {
    if (performance.now() - turnBeganMs > turnMsMax) {
      await nextTurn();
      turnBeganMs = performance.now();
    }
    checkSize(value, `document ${document}`, document);
    const { manifest, problems } = validateDocument(value, namespace === undefined ? {} : { namespace });
    if (manifest) documents.push({ document, manifest });
    else broken.push({ document, problems, ...readableParts(value, namespace) });
  }
  return { documents, broken };
}

/** Identity and references of a document that does not validate, as far as they can be read. */
function readableParts(
  value: unknown,
  namespace = defaultNamespace,
): Pick<BrokenDocument, 'manifest' | 'references'> {
  const metadata = fieldOf(value, 'metadata');
  const [kindWord, name, written] = [
    fieldOf(value, 'kind'),
    fieldOf(metadata, 'name'),
    fieldOf(metadata, 'namespace'),
  ];
  const kind = typeof kindWord === 'string' ? kindNamed(kindWord) : undefined;
  if (!kind || typeof name !== 'string') return { manifest: undefined, references: [] };
  const place = kind.namespaced ? { namespace: typeof written === 'string' ? written : namespace } : {};
  return {
    manifest: { kind: kind.kind, metadata: { name, ...place } },
    references: kind.references(fieldOf(value, 'spec')),
  };
}

function bodyOf(documents: unknown[], mediaType: string): ApplyBody {
  const [only] = documents;
  const list = only as { kind?: unknown; items?: unknown; remove?: unknown } | undefined;
  if (documents.length !== 1 || typeof list !== 'object' || list === null || list.kind !== 'List') {
    if (mediaType === mediaTypes.json && Array.isArray(only))
      throw malformed('an array is no document', undefined, 'write {"kind":"List","items":[...]}');
    return { documents, remove: [] };
  }
  const { items = [], remove = [] } = list;
  if (!Array.isArray(items)) throw malformed('items is not a list', '/items');
  if (!Array.isArray(remove)) throw malformed('remove is not a list', '/remove');
  if (items.length + remove.length > documentsMax)
    throw new ApiError('too_large', `more than ${documentsMax} documents`);
  return { documents: items, remove: remove.map(parseKey) };
}

/** `service/default/orders`, or `gateway/default` for cluster-wide kinds. */
function parseKey(key: unknown, index: number): Identity {
  const [word = '', ...rest] = typeof key === 'string' ? key.split('/') : [];
  const kind = kindByWord(word);
  if (!kind?.spec || rest.length !== (kind.namespaced ? 2 : 1) || rest.some((part) => part === '')) {
    throw malformed(
      `${JSON.stringify(key)} names no object`,
      `/remove/${index}`,
      'write kind/namespace/name, or kind/name for cluster-wide kinds',
    );
  }
  return kind.namespaced
    ? { kind: kind.kind, namespace: rest[0]!, name: rest[1]! }
    : { kind: kind.kind, name: rest[0]! };
}

/** What the selector takes and the request does not name. */
function prunable(
  index: ResourceIndex,
  selected: LabelSelector,
  documents: readonly PlannedDocument[],
): Identity[] {
  const named = new Set(
    documents.map(
      ({ manifest: { kind, metadata } }) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`,
    ),
  );
  return kinds.flatMap(({ kind }) =>
    [...index.entriesOf(kind)]
      .filter(
        ({ resource: { metadata } }) =>
          selected(metadata.labels) && !named.has(`${kind}/${metadata.namespace ?? ''}/${metadata.name}`),
      )
      .map(({ resource: { metadata } }) => ({ kind, namespace: metadata.namespace, name: metadata.name })),
  );
}
