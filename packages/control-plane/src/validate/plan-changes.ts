import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ApiProblem } from '@causeway/model/api-types';
import { kindNamed } from '@causeway/model/kinds/registry';
import { compareProblems } from '@causeway/model/problem';
import {
  type Identity,
  identityOf,
  type Manifest,
  resourceKey,
  type StoredResource,
} from '@causeway/model/resource';
import { assert } from '@causeway/runtime/assert';
import type { ListenAddress } from '@causeway/runtime/listen-address';
import { type Entry, entryOf, type ResourceView } from '../store/resource-index.ts';
import { authWarnings } from './auth-warnings.ts';
import { checkBuildable } from './check-buildable.ts';
import { checkCertificates } from './check-certificates.ts';
import { checkConsumers } from './check-consumers.ts';
import { descriptorWarnings } from './check-descriptors.ts';
import { checkFilterObjects } from './check-filter-objects.ts';
import { checkFilters, idleRemovals } from './check-filters.ts';
import { checkLogins } from './check-logins.ts';
import { checkRedis } from './check-redis.ts';
import { checkReferences } from './check-references.ts';
import type { BrokenDocument, Plan, PlanInput, PlanMade, PlannedDocument } from './plan.ts';
import { PlannedView } from './planned-view.ts';
import { redisWarnings } from './redis-warnings.ts';
import { routeWarnings } from './route-warnings.ts';
import { type ReadSecret, referencesOf, storeSecretValues } from '../store/secret-values.ts';
import type { SignatureIndex } from './signature-index.ts';
import { unknownTierConsumers } from './tier-checks.ts';
import { tlsWarnings } from './tls-warnings.ts';
import { unaskedCertificates } from './unasked-certificates.ts';

export interface PlanOptions {
  /** Revision that a commit of this plan makes. */
  revision: number;
  /** RFC 3339; creationTimestamp of what is new. */
  now: string;
  /** Skips the mass deletion guard. */
  force: boolean;
  /** Keyed digest of secret values. */
  digest: (value: string) => string;
  /** Values that current resources hold. */
  readSecret: ReadSecret;
  signatures: SignatureIndex;
  /** The control plane's own listeners, which no endpoint may name. */
  ownAddresses: readonly ListenAddress[];
}

/** A write that removes more than half of the Routes, and at least so many, needs `force`. */
const massDeletionRoutesMin = 10;

/**
 * Plans a request against the current configuration: what changes, what stays, what must not be. Pure but for new
 * uids; the store is not touched, so a dry run is a plan that nobody commits. All documents are checked before any
 * refusal, and references resolve within the request in any order.
 */
export function planChanges(current: ResourceView, input: PlanInput, options: PlanOptions): Plan {
  const draft = new Draft(current, options);
  for (const document of input.broken ?? []) draft.addBroken(document);
  for (const document of input.documents) draft.put(document);
  for (const identity of input.removals) draft.remove(identity);
  if (input.serverKeys) draft.putKeys(input.serverKeys);
  if (input.pin) draft.putPin(input.pin);
  return draft.finish(input.broken ?? []);
}

/** A plan while it is made. */
class Draft {
  readonly #current: ResourceView;
  readonly #options: PlanOptions;
  readonly #planned: PlannedView;
  readonly #made: PlanMade = { changes: [], secrets: [], purgedSecrets: [], objects: [], warnings: [] };
  readonly #documents = new Map<string, PlannedDocument>();
  readonly #removed = new Set<string>();
  readonly #problems: ApiProblem[] = [];
  readonly #conflicts: ApiProblem[] = [];
  readonly #missing: ApiProblem[] = [];

  constructor(current: ResourceView, options: PlanOptions) {
    this.#current = current;
    this.#options = options;
    this.#planned = new PlannedView(current);
  }

  addBroken({ document, problems, manifest }: BrokenDocument): void {
    const resource = manifest ? { resource: resourceKey(identityOf(manifest)) } : {};
    for (const problem of problems) this.#problems.push({ document, ...resource, ...problem });
  }

  put(document: PlannedDocument): void {
    const key = resourceKey(identityOf(document.manifest));
    const first = this.#documents.get(key);
    if (first) {
      this.#problems.push({
        document: document.document,
        resource: key,
        code: 'duplicate',
        pointer: '/metadata/name',
        detail: `${key} stands twice, first in document ${first.document}`,
        hint: 'keep one of them',
      });
      return;
    }
    this.#documents.set(key, document);
    const before = this.#current.get(key);
    const conflict = versionConflict(document, before);
    if (conflict) this.#conflicts.push(conflict);
    this.#putManifest(document, key, before);
  }

  #putManifest({ document, manifest }: PlannedDocument, key: string, before: Entry | undefined): void {
    const { digest, now } = this.#options;
    const stored = storeSecretValues(kindNamed(manifest.kind)!, manifest.spec, before?.resource, digest);
    if (stored.problems.length > 0) {
      this.#problems.push(...stored.problems.map((problem) => ({ ...problem, document, resource: key })));
      return;
    }
    const written = { ...manifest, spec: stored.spec };
    if (before && isSame(written, before.resource)) {
      this.#made.objects.push({ document, key, outcome: 'unchanged', resource: before.resource });
      return;
    }
    const resource = storedResource(written, before?.resource, this.#options);
    this.#made.changes.push({ op: 'put', resource, created: before === undefined });
    this.#made.secrets.push(...stored.added);
    this.#made.purgedSecrets.push(...stored.purged);
    this.#made.objects.push({ document, key, outcome: before ? 'configured' : 'created', resource });
    this.#planned.put(entryOf(resource, now));
  }

  putKeys({ consumer, keys }: NonNullable<PlanInput['serverKeys']>): void {
    const before = this.#current.get(resourceKey(consumer));
    assert(before, 'only a Consumer that exists has keys');
    const { serverKeys: _, ...rest } = before.resource;
    this.#putBeside(before, { ...rest, ...(keys.length > 0 && { serverKeys: keys }) });
  }

  putPin({ set, pinned }: NonNullable<PlanInput['pin']>): void {
    const before = this.#current.get(resourceKey(set));
    assert(before, 'only a DescriptorSet that exists is pinned');
    this.#putBeside(before, { ...before.resource, pinned });
  }

  /** What stands beside the spec, which stays as it is. */
  #putBeside(before: Entry, changed: StoredResource): void {
    const metadata = { ...changed.metadata, resourceVersion: String(this.#options.revision) };
    const resource = { ...changed, metadata };
    this.#made.changes.push({ op: 'put', resource, created: false });
    this.#made.objects.push({ key: before.key, outcome: 'configured', resource });
    this.#planned.put(entryOf(resource, this.#options.now));
  }

  remove(identity: Identity): void {
    const key = resourceKey(identity);
    const written = this.#documents.get(key);
    if (written) {
      this.#problems.push({
        document: written.document,
        resource: key,
        code: 'exclusive',
        pointer: '/metadata/name',
        detail: `${key} is to be written and to be removed`,
        hint: 'keep one of the two',
      });
      return;
    }
    const entry = this.#current.get(key);
    if (!entry) {
      const detail = `${key} does not exist`;
      this.#missing.push({ resource: key, code: 'unknown_reference', pointer: '', detail });
      return;
    }
    if (this.#removed.has(key)) return;
    this.#removed.add(key);
    this.#planned.remove(key);
    this.#made.changes.push({ op: 'delete', identity });
    for (const { secretRef } of referencesOf(entry.resource).values())
      this.#made.purgedSecrets.push(secretRef);
    this.#made.objects.push({ key, outcome: 'deleted', resource: entry.resource });
  }

  /** Checks what needs all objects at once, and decides. The order is that of the API's statuses: 422, 404, 409. */
  finish(broken: readonly BrokenDocument[]): Plan {
    const written = [...this.#documents.keys()];
    const { unresolved, dangling } = checkReferences(this.#planned, written, [...this.#removed], broken);
    const problems = [
      ...this.#problems,
      ...unresolved,
      ...checkFilters(this.#current, this.#planned, written),
      ...checkFilterObjects(this.#planned, written),
      ...checkLogins(this.#planned, written),
      ...this.#unbuildable(),
      ...this.#mismatched(),
    ];
    if (problems.length > 0) return { refused: 'invalid', problems: located(problems, this.#documents) };
    if (this.#missing.length > 0) return { refused: 'not_found', problems: this.#missing };
    if (this.#conflicts.length > 0) return { refused: 'conflict', problems: this.#conflicts };
    if (dangling.length > 0) return { refused: 'referenced', problems: dangling };
    const guard = this.#options.force ? undefined : massDeletion(this.#current, this.#made);
    if (guard) return { refused: 'mass_deletion', problems: [guard] };
    this.#made.warnings.push(...this.#warnings());
    return this.#made;
  }

  #warnings(): string[] {
    const { signatures, now } = this.#options;
    const entries = this.#made.objects.flatMap(({ key }) => this.#planned.get(key) ?? []);
    return [
      ...routeWarnings(this.#made.objects, this.#planned, signatures),
      ...tlsWarnings(entries, this.#planned, now),
      ...authWarnings(entries),
      ...descriptorWarnings(entries),
      ...unaskedCertificates(entries, this.#planned),
      ...unknownTierConsumers(entries, this.#planned),
      ...redisWarnings(
        this.#current,
        this.#planned,
        this.#made.objects.map(({ key }) => key),
      ),
      ...idleRemovals(this.#planned, [...this.#documents.keys()]),
    ];
  }

  #mismatched(): ApiProblem[] {
    const added = new Map(this.#made.secrets.map(({ ref, value }) => [ref, value]));
    const readSecret: ReadSecret = (ref) => added.get(ref) ?? this.#options.readSecret(ref);
    const written = [...this.#documents.keys()];
    return [
      ...checkCertificates(this.#planned, written, readSecret),
      ...checkConsumers(this.#planned, written, readSecret),
      ...checkRedis(this.#planned, written, readSecret),
    ];
  }

  #unbuildable(): ApiProblem[] {
    return this.#made.changes.flatMap((change) => {
      if (change.op === 'delete') return [];
      const entry = this.#planned.get(resourceKey(identityOf(change.resource)));
      return entry ? checkBuildable(entry, this.#options.ownAddresses) : [];
    });
  }
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
    ...(before?.serverKeys && { serverKeys: before.serverKeys }),
    ...(before?.pinned && !specChanged && { pinned: before.pinned }),
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

function massDeletion(current: ResourceView, made: PlanMade): ApiProblem | undefined {
  const removed = made.objects.filter(
    ({ outcome, resource }) => outcome === 'deleted' && resource.kind === 'Route',
  ).length;
  if (removed < massDeletionRoutesMin) return undefined;
  const all = [...current.entriesOf('Route')].length;
  if (removed * 2 <= all) return undefined;
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
