import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ApiProblem } from '@causeway/model/api-types';
import { compareProblems } from '@causeway/model/problem';
import {
  type Identity,
  identityOf,
  type Manifest,
  resourceKey,
  type StoredResource,
} from '@causeway/model/resource';
import { type Entry, entryOf, type ResourceView } from '../store/resource-index.ts';
import { checkBuildable } from './check-buildable.ts';
import { checkReferences } from './check-references.ts';
import type { Plan, PlanInput, PlanMade, PlannedDocument, PlannedObject } from './plan.ts';
import { PlannedView } from './planned-view.ts';
import { routeWarnings } from './route-warnings.ts';
import { storeSecretValues } from '../store/secret-values.ts';
import type { SignatureIndex } from './signature-index.ts';

export interface PlanOptions {
  /** Revision that a commit of this plan makes. */
  revision: number;
  /** RFC 3339; creationTimestamp of what is new. */
  now: string;
  /** Skips the mass deletion guard. */
  force: boolean;
  /** Keyed digest of secret values. */
  digest: (value: string) => string;
  signatures: SignatureIndex;
  /** `address:port` of the control plane's own listeners, which no endpoint may name. */
  ownAddresses: readonly string[];
}

/** A write that removes more than half of the Routes, and at least so many, needs `force`. */
const massDeletionRoutesMin = 10;

/**
 * Plans a request against the current configuration: what changes, what stays, what must not be. Pure but for new
 * uids; the store is not touched, so a dry run is a plan that nobody commits. All documents are checked before any
 * refusal, and references resolve within the request in any order.
 */
export function planChanges(current: ResourceView, input: PlanInput, options: PlanOptions): Plan {
  const planned = new PlannedView(current);
  const made: PlanMade = { changes: [], secrets: [], purgedSecrets: [], objects: [], warnings: [] };
  const broken = input.broken ?? [];
  const problems = broken.flatMap(({ document, problems: found, manifest }) =>
    found.map(
      (problem): ApiProblem => ({
        document,
        ...(manifest ? { resource: resourceKey(identityOf(manifest)) } : {}),
        ...problem,
      }),
    ),
  );
  const conflicts: ApiProblem[] = [];
  const documents = new Map<string, PlannedDocument>();
  for (const document of input.documents) {
    const key = resourceKey(identityOf(document.manifest));
    const first = documents.get(key);
    if (first) {
      problems.push({
        document: document.document,
        resource: key,
        code: 'duplicate',
        pointer: '/metadata/name',
        detail: `${key} stands twice, first in document ${first.document}`,
        hint: 'keep one of them',
      });
      continue;
    }
    documents.set(key, document);
    const conflict = versionConflict(document, current.get(key));
    if (conflict) conflicts.push(conflict);
    problems.push(...planDocument(document, current.get(key), options, made, planned));
  }
  const missing = planRemovals(current, input.removals, made, planned);
  if (missing.length > 0) return { refused: 'not_found', problems: missing };
  const { unresolved, dangling } = checkReferences(
    planned,
    [...documents.keys()],
    input.removals.map(resourceKey),
    broken,
  );
  problems.push(...unresolved);
  for (const object of made.objects) {
    const entry = planned.get(object.key);
    if (object.outcome !== 'deleted' && object.outcome !== 'unchanged' && entry)
      problems.push(...checkBuildable(entry, options.ownAddresses));
  }
  if (problems.length > 0) return { refused: 'invalid', problems: located(problems, documents) };
  if (conflicts.length > 0) return { refused: 'conflict', problems: conflicts };
  if (dangling.length > 0) return { refused: 'referenced', problems: dangling };
  const guard = options.force ? undefined : massDeletion(current, made);
  if (guard) return { refused: 'mass_deletion', problems: [guard] };
  made.warnings.push(...routeWarnings(made.objects, planned, options.signatures));
  return made;
}

/** Adds one document to the plan; problems that need no other object are returned. */
function planDocument(
  document: PlannedDocument,
  before: Entry | undefined,
  options: PlanOptions,
  made: PlanMade,
  planned: PlannedView,
): ApiProblem[] {
  const { manifest } = document;
  const key = resourceKey(identityOf(manifest));
  const stored =
    manifest.kind === 'Secret'
      ? storeSecretValues(manifest.spec, before?.resource, options.digest)
      : { spec: manifest.spec, added: [], purged: [], problems: [] };
  if (stored.problems.length > 0) return stored.problems.map((problem) => ({ ...problem, resource: key }));
  const written = { ...manifest, spec: stored.spec };
  const outcome =
    before === undefined ? 'created' : isSame(written, before.resource) ? 'unchanged' : 'configured';
  if (outcome === 'unchanged') {
    made.objects.push({ document: document.document, key, outcome, resource: before!.resource });
    return [];
  }
  const resource = storedResource(written, before?.resource, options);
  made.changes.push({ op: 'put', resource, created: before === undefined });
  made.secrets.push(...stored.added);
  made.purgedSecrets.push(...stored.purged);
  made.objects.push({ document: document.document, key, outcome, resource });
  planned.put(entryOf(resource, options.now));
  return [];
}

function isSame(written: Manifest, before: StoredResource): boolean {
  const { labels, annotations } = before.metadata;
  return (
    isDeepStrictEqual(written.spec, before.spec) &&
    isDeepStrictEqual(written.metadata.labels, labels) &&
    isDeepStrictEqual(written.metadata.annotations, annotations)
  );
}

function storedResource(
  written: Manifest,
  before: StoredResource | undefined,
  options: PlanOptions,
): StoredResource {
  const { resourceVersion: _, ...metadata } = written.metadata;
  const specChanged = before === undefined || !isDeepStrictEqual(written.spec, before.spec);
  return {
    apiVersion: written.apiVersion,
    kind: written.kind,
    metadata: {
      ...metadata,
      uid: before?.metadata.uid ?? randomUUID(),
      resourceVersion: String(options.revision),
      generation: (before?.metadata.generation ?? 0) + (specChanged ? 1 : 0),
      creationTimestamp: before?.metadata.creationTimestamp ?? options.now,
    },
    spec: written.spec,
  };
}

function versionConflict(document: PlannedDocument, before: Entry | undefined): ApiProblem | undefined {
  const wanted = document.manifest.metadata.resourceVersion;
  const actual = before?.resource.metadata.resourceVersion ?? '0';
  if (wanted === undefined || wanted === actual) return undefined;
  const key = resourceKey(identityOf(document.manifest));
  const detail = before
    ? `${key} is at resourceVersion ${actual}, not ${wanted}`
    : `${key} does not exist, so it has no resourceVersion ${wanted}`;
  return {
    document: document.document,
    resource: key,
    code: 'conflict',
    pointer: '/metadata/resourceVersion',
    detail,
    hint: 'read it again, or leave resourceVersion out',
  };
}

function planRemovals(
  current: ResourceView,
  removals: readonly Identity[],
  made: PlanMade,
  planned: PlannedView,
): ApiProblem[] {
  const missing: ApiProblem[] = [];
  for (const identity of removals) {
    const key = resourceKey(identity);
    const entry = current.get(key);
    if (!entry) {
      missing.push({
        resource: key,
        code: 'unknown_reference',
        pointer: '',
        detail: `${key} does not exist`,
      });
      continue;
    }
    if (!planned.remove(key)) continue;
    made.changes.push({ op: 'delete', identity });
    made.purgedSecrets.push(...storeSecretValues({}, entry.resource, () => '').purged);
    made.objects.push({ key, outcome: 'deleted', resource: entry.resource });
  }
  return missing;
}

function massDeletion(current: ResourceView, made: PlanMade): ApiProblem | undefined {
  const removed = made.objects.filter(
    (object: PlannedObject) => object.outcome === 'deleted' && object.resource.kind === 'Route',
  ).length;
  const all = [...current.entriesOf('Route')].length;
  if (removed < massDeletionRoutesMin || removed * 2 <= all) return undefined;
  return {
    code: 'conflict',
    pointer: '',
    detail: `this removes ${removed} of ${all} Routes`,
    hint: 'if that is meant, say force=true',
  };
}

/** Problems of documents carry the document's index; sorted by document and pointer. */
function located(
  problems: readonly ApiProblem[],
  documents: ReadonlyMap<string, PlannedDocument>,
): ApiProblem[] {
  return problems
    .map((problem): ApiProblem => {
      const document = problem.document ?? documents.get(problem.resource ?? '')?.document;
      return document === undefined ? problem : { ...problem, document };
    })
    .toSorted((a, b) => (a.document ?? -1) - (b.document ?? -1) || compareProblems(a, b));
}
