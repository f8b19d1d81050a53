/** Live connections: asked from the nodes when called, kept nowhere. */

import type {
  ConnectionKind,
  ConnectionList,
  ConnectionResource,
  RevisionCount,
} from '@causeway/model/api-types';
import { connectionKinds } from '@causeway/model/api-types';
import { apiVersion, defaultNamespace } from '@causeway/model/resource';
import type { Request } from 'express';
import type { NodeRecord } from '../publish/node-registry.ts';
import { type Answer, limitParameter, queryParameters } from './answer.ts';
import { malformed } from './api-error.ts';
import type { ApiContext } from './context.ts';
import { askNode } from './node-commands.ts';
import { parseEqualities } from './select.ts';

/** A node that is slower stands in `metadata.unanswered`. */
const answerMsMax = 2000;
const fieldsSelected = ['route', 'service', 'node', 'kind', 'client'] as const;

/** What nodes are asked for; an absent part is any. */
interface ConnectionQuery {
  limit: number;
  namespace?: string;
  /** "namespace/name", as the service. */
  route?: string;
  service?: string;
  kind?: ConnectionKind;
  client?: string;
}

/** The oldest first, as many as were asked for; the counts are of all that there are. */
interface ConnectionsOnNode {
  total: number;
  byRevision: RevisionCount[];
  connections: ConnectionOnNode[];
}

interface ConnectionOnNode {
  id: string;
  kind: ConnectionKind;
  route: string;
  service: string;
  endpoint: string;
  client: string;
  host: string;
  protocol: string;
  revision: number;
  startedAtMs: number;
  bytesIn: number;
  bytesOut: number;
  requestId: string;
}

/**
 * Of one namespace or of all, the oldest first. There are no pages: what is not among the first `limit` is counted in
 * `remainingItemCount`, and a selector finds it.
 */
export async function listConnections(
  context: ApiContext,
  request: Request,
  namespace: string | undefined,
): Promise<Answer> {
  const { limit: limitText, fieldSelector = '' } = queryParameters(request, ['limit', 'fieldSelector']);
  const limit = limitParameter(limitText);
  const { node, ...fields } = parseEqualities(fieldSelector, fieldsSelected);
  const query = queryOf(fields, namespace, limit);
  const nodes = context.nodes.all().filter(({ id, connected }) => connected && (node ?? id) === id);
  const answers = await Promise.all(nodes.map((each) => connectionsOn(context, each, query)));
  const answered = answers.filter((answer) => answer !== undefined);
  const items = answered
    .flatMap(({ items: listed }) => listed)
    .toSorted((one, other) => one.startedAtMs - other.startedAtMs)
    .slice(0, limit)
    .map(({ resource }) => resource);
  const total = answered.reduce((sum, answer) => sum + answer.total, 0);
  const body: ConnectionList = {
    apiVersion,
    kind: 'ConnectionList',
    metadata: {
      resourceVersion: '',
      continue: '',
      remainingItemCount: total - items.length,
      unanswered: nodes.filter((_, index) => answers[index] === undefined).map(({ id }) => id),
      byRevision: summed(answered.flatMap(({ byRevision }) => byRevision)),
    },
    items,
  };
  return { status: 200, body };
}

type Fields = Partial<Record<'route' | 'service' | 'kind' | 'client', string>>;

function queryOf(fields: Fields, namespace: string | undefined, limit: number): ConnectionQuery {
  const { route, service, kind, client } = fields;
  if (kind !== undefined && !isKind(kind))
    throw malformed(
      `fieldSelector: ${JSON.stringify(kind)} is no kind of connection`,
      undefined,
      `kinds: ${connectionKinds.join(', ')}`,
    );
  return {
    limit,
    ...(namespace === undefined ? {} : { namespace }),
    ...(route === undefined ? {} : { route: qualified(route, namespace) }),
    ...(service === undefined ? {} : { service: qualified(service, namespace) }),
    ...(kind === undefined ? {} : { kind }),
    ...(client === undefined ? {} : { client }),
  };
}

function isKind(word: string): word is ConnectionKind {
  return (connectionKinds as readonly string[]).includes(word);
}

/** A bare name is of the namespace that is listed, and where all are, of `default`. */
function qualified(name: string, namespace = defaultNamespace): string {
  return name.includes('/') ? name : `${namespace}/${name}`;
}

interface NodeListing {
  total: number;
  byRevision: RevisionCount[];
  items: { startedAtMs: number; resource: ConnectionResource }[];
}

/** Undefined of a node that does not answer in time, or is too old to know what it is asked. */
async function connectionsOn(
  context: ApiContext,
  node: NodeRecord,
  query: ConnectionQuery,
): Promise<NodeListing | undefined> {
  try {
    const asked = askNode<ConnectionsOnNode>(context, node.id, 'connections', query, answerMsMax);
    const { total, byRevision, connections } = await asked;
    const items = connections.map((connection) => ({
      startedAtMs: connection.startedAtMs,
      resource: connectionResource(node.id, connection),
    }));
    return { total, byRevision, items };
  } catch (error) {
    context.logger.debug({ node: node.id, err: error }, 'the node does not tell its connections');
    return undefined;
  }
}

function connectionResource(node: string, connection: ConnectionOnNode): ConnectionResource {
  const { id, kind, route, service, endpoint, client, host, protocol, requestId } = connection;
  const { revision, startedAtMs, bytesIn, bytesOut } = connection;
  // A Route and its Services are in one namespace.
  const [[namespace, routeName], [, serviceName]] = [split(route), split(service)];
  return {
    apiVersion,
    kind: 'Connection',
    metadata: { name: `${node}-${id}`, namespace },
    spec: {
      node,
      kind,
      route: routeName,
      service: serviceName,
      endpoint,
      client,
      host,
      protocol,
      requestId,
    },
    status: { revision, startedAt: new Date(startedAtMs).toISOString(), bytesIn, bytesOut },
  };
}

function split(qualifiedName: string): [namespace: string, name: string] {
  const at = qualifiedName.indexOf('/');
  return [qualifiedName.slice(0, at), qualifiedName.slice(at + 1)];
}

/** The newest revision first. */
function summed(counts: readonly RevisionCount[]): RevisionCount[] {
  const sums = new Map<number, number>();
  for (const { revision, count } of counts) sums.set(revision, (sums.get(revision) ?? 0) + count);
  return Array.from(sums, ([revision, count]) => ({ revision, count })).toSorted(
    (one, other) => other.revision - one.revision,
  );
}
