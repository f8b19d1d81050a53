import { certificateFacts, parseCertificateChain } from '@causeway/model/certificate-chain';
import type { EndpointResource, EndpointState } from '@causeway/model/api-types';
import type { CertificateSpec } from '@causeway/model/kinds/certificate';
import type { ConsumerSpec } from '@causeway/model/kinds/consumer';
import type { KeyStatus } from '@causeway/model/server-keys';
import type {
  CertificateStatus,
  Condition,
  DescriptorStatus,
  Resource,
  Status,
} from '@causeway/model/resource';
import { readingFailure } from '../descriptors/descriptor-pins.ts';
import { descriptorFacts } from '../descriptors/read-descriptors.ts';
import type { KeyUses } from '../publish/key-uses.ts';
import type { NodeRecord, NodeRegistry } from '../publish/node-registry.ts';
import { withHiddenSecrets } from '../store/secret-values.ts';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { endpointResources, unfitStates } from './endpoint-status.ts';
import { nodesWith } from './nodes-with.ts';

/** Names of nodes that a message lists before it counts the rest. */
const namesShownMax = 5;

/** The resource as the admin API shows it: secrets hidden, status computed from what nodes report. */
export function shownResource(entry: Entry, resources: ResourceView, nodes: NodeRegistry): Resource {
  return { ...withHiddenSecrets(entry.resource), status: computeStatus(entry, resources, nodes) };
}

/** Status is computed on read and never stored: it moves neither resourceVersion nor generation. */
export function computeStatus(
  entry: Entry,
  resources: ResourceView,
  nodes: NodeRegistry,
): NonNullable<Resource['status']> {
  const revision = Number(entry.resource.metadata.resourceVersion);
  // A node that drains is sent no revision any more, so it is behind with none.
  const concerned = nodesWith(entry, resources, nodes).filter(
    (node) => !node.draining || node.appliedRevision >= revision,
  );
  const applied = concerned.filter((node) => node.appliedRevision >= revision);
  const rejected = concerned.filter(
    (node) => node.appliedRevision < revision && node.rejectedRevision >= revision,
  );
  const counts = {
    total: concerned.length,
    applied: applied.length,
    pending: concerned.length - applied.length - rejected.length,
    rejected: rejected.length,
  };
  const { generation } = entry.resource.metadata;
  const isLive = counts.applied === counts.total;
  return {
    observedGeneration: isLive ? generation : Math.max(0, generation - 1),
    conditions: [
      ...conditionsOf(entry, counts, applied, rejected, revision),
      ...(entry.resource.kind === 'Service' ? degraded(entry, resources, nodes) : []),
    ],
    nodes: counts,
    revision,
    ...(entry.resource.kind === 'Certificate' ? certificateStatus(entry, resources) : {}),
    ...(entry.resource.kind === 'DescriptorSet' ? descriptorStatus(entry) : {}),
    ...(entry.resource.kind === 'Consumer' ? { keys: keyStatus(entry, nodes.keyUses) } : {}),
  };
}

/** Those of the spec first; hashes are nobody's to see. */
function keyStatus({ effective, resource }: Entry, uses: KeyUses): KeyStatus[] {
  const { keys } = effective as ConsumerSpec;
  return [
    ...keys.map(
      ({ name, expiresAt }): KeyStatus => ({ name, source: 'spec', ...(expiresAt && { expiresAt }) }),
    ),
    ...(resource.serverKeys ?? []).map(
      ({ name, prefix, hash, createdAt, expiresAt, replaced }): KeyStatus => ({
        name,
        source: 'server',
        prefix,
        createdAt,
        ...(expiresAt && { expiresAt }),
        ...(replaced && { replaced }),
        ...usedAt(uses.lastMs(hash)),
      }),
    ),
  ];
}

function usedAt(ms: number | undefined): Pick<KeyStatus, 'lastUsedAt'> {
  return ms === undefined ? {} : { lastUsedAt: new Date(ms).toISOString() };
}

function resolvedRefs(entry: Entry): Finding {
  if (entry.resource.kind !== 'DescriptorSet' || descriptorFacts(entry) !== undefined)
    return { type: 'ResolvedRefs', status: 'True', reason: 'AllFound' };
  const failure = readingFailure(entry);
  return {
    type: 'ResolvedRefs',
    status: 'False',
    reason: failure === undefined ? 'NotReadYet' : 'ReflectionFailed',
    message: failure ?? 'the descriptors are being read',
  };
}

function descriptorStatus(entry: Entry): Partial<DescriptorStatus> {
  const facts = descriptorFacts(entry);
  const { pinned } = entry.resource;
  return facts
    ? {
        digest: facts.digest,
        files: facts.files,
        services: facts.services,
        ...(pinned && { pinnedAt: pinned.at }),
      }
    : {};
}

function certificateStatus(entry: Entry, resources: ResourceView): Partial<CertificateStatus> {
  const chain = parseCertificateChain((entry.effective as CertificateSpec).certificate);
  const usedBy = [...resources.referrersOf(entry.key)].toSorted();
  return { ...(chain.ok ? certificateFacts(chain.certificates[0]) : {}), usedBy };
}

function conditionsOf(
  entry: Entry,
  counts: Status['nodes'],
  applied: readonly NodeRecord[],
  rejected: readonly NodeRecord[],
  revision: number,
): Condition[] {
  const accepted: Finding[] = [{ type: 'Accepted', status: 'True', reason: 'Valid' }, resolvedRefs(entry)];
  // These go to no node by themselves, so there is nothing to program.
  const findings =
    entry.resource.kind === 'Secret' || entry.resource.kind === 'Plugin'
      ? accepted
      : [...accepted, programmed(counts, applied, rejected, revision)];
  return findings.map(({ type, status, reason, message = '', since = entry.committedAt }) => ({
    type,
    status,
    reason,
    message,
    observedGeneration: entry.resource.metadata.generation,
    lastTransitionTime: since,
  }));
}

/** A condition before it is dated; without `since` it holds from the last change on. */
interface Finding extends Pick<Condition, 'type' | 'status' | 'reason'> {
  message?: string;
  since?: string;
}

function programmed(
  counts: Status['nodes'],
  applied: readonly NodeRecord[],
  rejected: readonly NodeRecord[],
  revision: number,
): Finding {
  const type = 'Programmed';
  if (rejected.length > 0) {
    const since = timeOf(rejected.map((node) => node.rejectedAtMs));
    return { type, status: 'False', reason: 'Rejected', message: rejectedMessage(rejected), since };
  }
  if (counts.pending > 0)
    return {
      type,
      status: 'False',
      reason: 'Pending',
      message: `${counts.applied} of ${counts.total} nodes`,
    };
  if (counts.total === 0)
    return {
      type,
      status: 'Unknown',
      reason: 'NoNodes',
      message: 'no node of the Gateways concerned is connected',
    };
  const times = applied.map((node) => node.reachedAtMs(revision)).filter((time) => time !== undefined);
  return { type, status: 'True', reason: 'AllNodes', ...(times.length > 0 ? { since: timeOf(times) } : {}) };
}

function rejectedMessage(rejected: readonly NodeRecord[]): string {
  const shown = rejected.slice(0, namesShownMax).map((node) => {
    const [problem] = node.problems;
    return problem
      ? `${node.id}: ${problem.reason} ${problem.resource} ${problem.pointer}: ${problem.detail}`
      : node.id;
  });
  const more = rejected.length - shown.length;
  return more > 0 ? `${shown.join('; ')}; ${more} more` : shown.join('; ');
}

/** A Service some of whose endpoints are unfit on some node, whole or in part. Those that get no requests anyway do not count. */
function degraded(service: Entry, resources: ResourceView, nodes: NodeRegistry): Condition[] {
  const endpoints = endpointResources(service, resources, nodes).filter(({ spec }) => spec.weight > 0);
  const affected = endpoints.filter(({ status }) => isAffected(status));
  if (affected.length === 0) return [];
  const where = new Set(
    affected.flatMap(({ status }) => status.nodes.filter(isAffected).map(({ node }) => node)),
  );
  const isNoneFit = [...where].some((name) =>
    endpoints.every(({ status }) => status.nodes.some((on) => on.node === name && unfitStates.has(on.state))),
  );
  return [
    {
      type: 'Degraded',
      status: 'True',
      reason: isNoneFit ? 'NoHealthyEndpoint' : 'EndpointsUnhealthy',
      message: degradedMessage(endpoints, affected, where),
      observedGeneration: service.resource.metadata.generation,
      lastTransitionTime: affected
        .map(({ status }) => status.lastChange)
        .toSorted()
        .at(-1)!,
    },
  ];
}

function isAffected({ state }: { state: EndpointState }): boolean {
  return state !== 'unknown' && state !== 'healthy';
}

/** `1 of 3 endpoints is healthy, 1 in part on edge-1`; without nodes when it is all of them. */
function degradedMessage(
  endpoints: readonly EndpointResource[],
  affected: readonly EndpointResource[],
  where: ReadonlySet<string>,
): string {
  const left = endpoints.length - affected.length;
  const inPart = affected.filter(
    ({ status }) => !status.nodes.some(({ state }) => unfitStates.has(state)),
  ).length;
  const isAll = where.size === affected[0]!.status.of;
  return [
    `${left} of ${endpoints.length} endpoints ${left === 1 ? 'is' : 'are'} healthy`,
    ...(inPart > 0 ? [`, ${inPart} in part`] : []),
    ...(isAll ? [] : [` on ${[...where].slice(0, namesShownMax).join(', ')}`]),
  ].join('');
}

function timeOf(times: readonly number[]): string {
  return new Date(Math.max(...times)).toISOString();
}
