import type { Problem, ProblemCode } from './problem.ts';
import type { Resource } from './resource.ts';

/** Shapes of the admin API's answers that are not resources themselves. */

export interface ResourceList<R = Resource> {
  apiVersion: string;
  kind: string;
  metadata: { resourceVersion: string; continue: string; remainingItemCount: number };
  items: R[];
}

export type ApplyOutcome = 'created' | 'configured' | 'unchanged' | 'deleted';

export interface ApplyResult {
  apiVersion: string;
  kind: 'ApplyResult';
  /** The revision that was committed, or the current one when nothing changed. */
  revision: number;
  changed: number;
  dryRun: boolean;
  objects: {
    document?: number;
    resource: string;
    result: ApplyOutcome;
    resourceVersion?: string;
    generation?: number;
  }[];
  warnings: string[];
}

/** An entry of `errors` in a problem document (RFC 9457). */
export interface ApiProblem extends Omit<Problem, 'code'> {
  code: ProblemCode | NackReason;
  /** Index of the document in the request. */
  document?: number;
  resource?: string;
  node?: string;
}

export const problemDocumentCodes = [
  'malformed',
  'invalid',
  'unauthenticated',
  'forbidden',
  'not_found',
  'method_not_allowed',
  'unsupported_media_type',
  'too_large',
  'conflict',
  'already_exists',
  'referenced',
  'mass_deletion',
  'precondition_failed',
  'expired',
  'rejected_by_nodes',
  'rate_limited',
  'storage_full',
  'not_ready',
  'internal',
] as const;

export type ProblemDocumentCode = (typeof problemDocumentCodes)[number];

/** `application/problem+json` of the admin API. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  code: ProblemDocumentCode;
  detail: string;
  instance: string;
  requestId: string;
  errors: ApiProblem[];
}

export const nackReasons = [
  'listener_failed',
  'output_failed',
  'plugin_missing',
  'plugin_failed',
  'too_old',
  'invalid_resource',
  'too_large',
  'internal',
] as const;

export type NackReason = (typeof nackReasons)[number];

export interface NodeProblem {
  reason: NackReason;
  resource: string;
  pointer: string;
  detail: string;
}

export type RevisionState = 'applied' | 'pending' | 'rejected' | 'superseded';

export interface RevisionNode {
  node: string;
  /** A node that drains gets no further revision. */
  state: RevisionState | 'offline' | 'draining';
  tookMs?: number;
  /** Revision that the node serves. */
  applied: number;
  nextTryInMs?: number;
  /** Milliseconds since the node was last heard. */
  lastSeenMs?: number;
  problems?: NodeProblem[];
}

export interface RevisionStatus {
  apiVersion: string;
  kind: 'RevisionStatus';
  revision: number;
  committedAt: string;
  state: RevisionState;
  /** `total` is without those that are offline or draining. */
  counts: { total: number; applied: number; pending: number; rejected: number; offline: number };
  nodes: RevisionNode[];
}

export const nodeStates = ['SYNCED', 'PENDING', 'REJECTED', 'STALE', 'OFFLINE'] as const;
export type NodeState = (typeof nodeStates)[number];

/** A Node as the admin API shows it; `metadata.creationTimestamp` is when it was first seen. */
export interface NodeResource {
  apiVersion: string;
  kind: 'Node';
  metadata: { name: string; labels?: Record<string, string>; creationTimestamp: string };
  spec: { gateway: string };
  status: {
    state: NodeState;
    /** It is told to stop, and ends what it has. */
    draining: boolean;
    version: string;
    desiredRevision: number;
    appliedRevision: number;
    digest: string;
    /** How long the node has been behind the desired revision; 0 when it is not. */
    behindMs: number;
    /** When the desired and the applied revision came, RFC 3339. */
    desiredSince: string;
    appliedSince: string;
    connections: number;
    /** Live ones. */
    streams: NodeStreams;
    /** From the moment in which it tells that it drains. */
    drain?: NodeDrainReport;
    workers: number;
    /** While they are replaced: how many are still to be. */
    workersToReplace?: number;
    lastSeen: string;
    problems: NodeProblem[];
  };
}

export interface NodeStreams {
  webSockets: number;
  /** `text/event-stream` */
  events: number;
  /** NDJSON and gRPC. */
  records: number;
}

/** How far a node is with ending what it has. */
export interface NodeDrainReport {
  /** For how long it goes on accepting. */
  delayMs: number;
  /** Client connections that there were when it began to end them, and WebSockets among them. */
  connections: number;
  webSockets: number;
  /** Of these: done by themselves, ended politely (a WebSocket with 1001), cut when the time was over. */
  ended: number;
  closed: number;
  cut: number;
  /** Nothing is left. */
  done: boolean;
}

/** The answer to a request to drain a node. */
export interface NodeDrain {
  /** The revision that it keeps. */
  revision: number;
}

/** WebSockets, event streams, and what else streams: NDJSON, gRPC. */
export const connectionKinds = ['websocket', 'events', 'records'] as const;
export type ConnectionKind = (typeof connectionKinds)[number];

/** A live connection as the admin API shows it; its Route and its Service are in its namespace. */
export interface ConnectionResource {
  apiVersion: string;
  kind: 'Connection';
  metadata: { name: string; namespace: string };
  spec: {
    node: string;
    kind: ConnectionKind;
    route: string;
    service: string;
    endpoint: string;
    client: string;
    host: string;
    protocol: string;
    requestId: string;
  };
  status: {
    /** The revision that admitted it. */
    revision: number;
    /** RFC 3339. */
    startedAt: string;
    /** From the client, and to it. */
    bytesIn: number;
    bytesOut: number;
  };
}

export interface ConnectionList extends ResourceList<ConnectionResource> {
  metadata: ResourceList['metadata'] & {
    /** Nodes that did not answer in time: what they have is missing. */
    unanswered: string[];
    /** Of all that were asked for, the newest revision first. */
    byRevision: RevisionCount[];
  };
}

export interface RevisionCount {
  revision: number;
  count: number;
}

/** `unknown` gets requests, and so does `degraded`: unfit on some of the nodes. */
export const endpointStates = ['unknown', 'healthy', 'degraded', 'unhealthy', 'ejected', 'draining'] as const;
export type EndpointState = (typeof endpointStates)[number];

/** An Endpoint as the admin API shows it; its name is its stable id. */
export interface EndpointResource {
  apiVersion: string;
  kind: 'Endpoint';
  metadata: { name: string; namespace: string; creationTimestamp: string };
  spec: {
    service: string;
    address: string;
    port: number;
    weight: number;
    priority: number;
    zone: string | null;
    serverName: string | null;
  };
  status: {
    /** Where it comes from: `static`. */
    source: string;
    state: EndpointState;
    /** Nodes that find it healthy, of those that are connected and have the Service; null when none of them asks. */
    healthyOn: number | null;
    of: number;
    /** Of all nodes; null when they were not asked. */
    activeRequests: number | null;
    requestsPerSecond: number | null;
    errorPercent: number | null;
    p99Ms: number | null;
    /** RFC 3339. */
    lastChange: string;
    nodes: EndpointOnNode[];
  };
}

/** What one node finds. */
export interface EndpointOnNode {
  node: string;
  state: EndpointState;
  /** Why it gets no requests; '' when it does. */
  detail: string;
}

/** `null` for one that never opens. */
export type BreakerState = 'closed' | 'open' | 'halfOpen';

/** What goes on at a Service on the nodes that answer in time. */
export interface ServiceLoad {
  nodes: NodeServiceLoad[];
}

export interface NodeServiceLoad {
  node: string;
  breaker: BreakerState | null;
  /** Of the retries that are allowed at this moment. */
  retryBudgetUsedPercent: number;
}

/** How the nodes took a command that goes to all of them. */
export interface NodeAnswers {
  nodes: { node: string; error: string | null }[];
}

export interface DescriptorChange {
  /** Callers of before may fail. */
  breaking: boolean;
  /** Such as `shop.Orders/Get`, `shop.Item.name`. */
  subject: string;
  change: string;
}

/** What reading a DescriptorSet anew changes, or would. */
export interface DescriptorRefresh {
  /** Of what was read. */
  digest: string;
  changed: boolean;
  /** Breaking ones first; those of the first reading are none. */
  changes: DescriptorChange[];
}

/** Which stored answers are to go: of one URL, of all below one, or all of a Route. A path means every host. */
export interface CachePurge {
  url?: string;
  prefix?: string;
}

/** What a node has taken out of its caches. */
export interface NodePurge {
  node: string;
  purged: number;
  error: string | null;
}

export interface PurgeAnswers {
  nodes: NodePurge[];
}

/** The answer to a request to replace the workers of a node. */
export interface WorkersRestart {
  /** How many are replaced, one by one. */
  workers: number;
}

export interface RevisionResource {
  apiVersion: string;
  kind: 'Revision';
  metadata: { name: string; creationTimestamp: string };
  revision: number;
  committedAt: string;
  author: string;
  source: string;
  message: string;
  changes: { resource: string; op: 'create' | 'update' | 'delete' }[];
}

/** `GET` of the API's root: what `api-resources` shows. */
export interface ApiResources {
  apiVersion: string;
  kind: 'ApiResourceList';
  resources: {
    kind: string;
    plural: string;
    shortNames: string[];
    namespaced: boolean;
    verbs: string[];
    writable: boolean;
    description: string;
  }[];
}

export interface ExplainRequest {
  request: { method: string; url: string; headers?: [string, string][]; clientAddress?: string };
  /** Gateway whose listeners and Routes are asked; default `default`. */
  gateway?: string;
}

export interface ExplainCandidate {
  route: string;
  match: number;
  /** The match in words, such as `prefix /orders, methods GET,POST`. */
  summary: string;
  result: 'chosen' | 'lost' | 'no';
  /** Index of the candidate that this one lost to. */
  to?: number;
  by?: 'host' | 'path' | 'method' | 'headers' | 'cookies' | 'query' | 'priority' | 'name' | 'index';
  detail?: string;
}

/** A filter that stands in the way of a request, and what it does to it. */
export interface ExplainFilter {
  name: string;
  /** Key of the filter, such as `respond`. */
  filter: string;
  /** The filter in words, such as `respond 200`. */
  summary: string;
  /** Key of the object that it is written in. */
  from: string;
  /** Null for a filter that only is or is not. */
  enforcement: string | null;
  effect: { status: number | null; reason: string | null; detail: string };
}

export interface Explanation {
  apiVersion: string;
  kind: 'Explanation';
  revision: number;
  gateway: string;
  listener: string | null;
  canonical: { host: string; path: string } | null;
  route: string | null;
  match: number | null;
  reason: string | null;
  detail?: string;
  candidates: ExplainCandidate[];
  omitted: number;
  nearest?: { route: string; detail: string }[];
  /** In the order in which the request meets them. */
  filters: ExplainFilter[];
  backends: { service: string; weight: number; of: number }[];
  endpoints: {
    service: string;
    address: string;
    port: number;
    weight: number;
    state: EndpointState;
    /** As for an Endpoint. */
    healthyOn: number | null;
    of: number;
  }[];
  upstream: { method: string; target: string; headers: [string, string][] } | null;
  timeouts: Record<string, { value: string; from: 'default' | 'route' | 'service' }>;
  /** What the Route says of streams, by field: `websocket.maxConnections`. */
  streams: Record<string, string>;
}

export interface VersionInfo {
  version: string;
  nodeVersion: string;
}
