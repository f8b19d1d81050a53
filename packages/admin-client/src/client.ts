import type {
  ApiResources,
  ApplyResult,
  ConnectionList,
  EndpointResource,
  ExplainRequest,
  Explanation,
  CachePurge,
  DescriptorRefresh,
  NodeAnswers,
  PurgeAnswers,
  NodeDrain,
  NodeResource,
  NodeServiceLoad,
  ResourceList,
  RevisionStatus,
  ServiceLoad,
  VersionInfo,
  WorkersRestart,
} from '@causeway/model/api-types';
import type { JsonSchema } from '@causeway/model/json-schema';
import type { Kind } from '@causeway/model/kinds/kind';
import { kindByWord } from '@causeway/model/kinds/registry';
import { defaultNamespace, type Resource } from '@causeway/model/resource';
import type { MadeKey } from '@causeway/model/server-keys';
import { collectionPath, listLimitDefault, mediaTypes, objectPath, restPaths } from '@causeway/model/rest';
import { Transport, type TransportOptions } from './transport.ts';

/** A kind, or its plural, singular or short name. */
export type KindReference = Pick<Kind, 'plural' | 'namespaced'> | string;

export interface ListOptions {
  /** Default: every namespace. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Objects in one page; the server's default is 500, its maximum 5000. */
  limit?: number | undefined;
  /** `metadata.continue` of the page before. */
  continue?: string | undefined;
}

export interface WriteOptions {
  /** Recorded with the revision. */
  message?: string | undefined;
  dryRun?: boolean | undefined;
  /** Skips the guards against conflicts and mass deletion. */
  force?: boolean | undefined;
}

export interface ConsumerName {
  namespace: string;
  consumer: string;
}

/** A key, and the revision that brings it to the nodes. */
export interface WrittenKey extends MadeKey {
  revision: number;
}

export interface ApplyOptions extends WriteOptions {
  /** For documents that name none. */
  namespace?: string | undefined;
  /** Deletes what `labelSelector` takes and the documents do not name. */
  prune?: boolean | undefined;
  labelSelector?: string | undefined;
}

/** Documents as values; `remove` names objects as `service/default/orders`, deleted in the same revision. */
export interface ApplyBody {
  documents: readonly unknown[];
  remove?: readonly string[] | undefined;
}

interface ObjectOptions {
  /** Default `default`; ignored for cluster-wide kinds. */
  namespace?: string | undefined;
}

interface ReadOptions extends ObjectOptions {
  onWarning?: ((text: string) => void) | undefined;
}

interface PutOptions extends ObjectOptions, WriteOptions {
  /** A resourceVersion that must be the stored one, else 412. */
  ifMatch?: string | undefined;
}

/**
 * A typed client of the admin API. Every method throws `AdminApiError` for a refusal and `Unreachable` when no answer
 * comes; an exchange takes at most 30 s, a watch as long as its signal lets it. Idle connections do not keep the
 * process alive.
 */
export class AdminClient {
  readonly #transport: Transport;

  constructor(options: TransportOptions) {
    this.#transport = new Transport(options);
  }

  /** One page. */
  async list<R = Resource>(kind: KindReference, options: ListOptions = {}): Promise<ResourceList<R>> {
    const { namespace, ...query } = options;
    return this.#get(collectionPath(kindOf(kind), namespace), query);
  }

  /** All pages, which are of one revision. */
  async listAll<R = Resource>(
    kind: KindReference,
    options: Omit<ListOptions, 'limit' | 'continue'> = {},
  ): Promise<R[]> {
    const items: R[] = [];
    let next: string | undefined;
    do {
      const page: ResourceList<R> = await this.list<R>(kind, {
        ...options,
        limit: listLimitDefault,
        continue: next,
      });
      items.push(...page.items);
      next = page.metadata.continue;
    } while (next !== '');
    return items;
  }

  async get<R = Resource>(kind: KindReference, name: string, options: ReadOptions = {}): Promise<R> {
    const { body, warnings } = await this.#transport.call({
      path: pathOf(kind, options.namespace, name),
    });
    for (const warning of warnings) options.onWarning?.(warning);
    return body as R;
  }

  /** Creates or replaces. The body's namespace and name, when given, must be those of the call. */
  async put(kind: KindReference, name: string, body: object, options: PutOptions = {}): Promise<Resource> {
    return this.#write('PUT', kind, name, JSON.stringify(body), mediaTypes.json, options);
  }

  /** Merges (RFC 7396) into the object as it was written. */
  async patch(kind: KindReference, name: string, patch: object, options: PutOptions = {}): Promise<Resource> {
    return this.#write('PATCH', kind, name, JSON.stringify(patch), mediaTypes.mergePatch, options);
  }

  /** Answers with the object as it was. */
  async delete(kind: KindReference, name: string, options: PutOptions = {}): Promise<Resource> {
    return this.#write('DELETE', kind, name, undefined, '', options);
  }

  /** Many documents, as values or as YAML text, in one transaction and one revision: all of them, or nothing. */
  async apply(body: ApplyBody | string, options: ApplyOptions = {}): Promise<ApplyResult> {
    const { dryRun, ...parameters } = options;
    const text =
      typeof body === 'string'
        ? body
        : JSON.stringify({ kind: 'List', items: body.documents, remove: body.remove });
    const mediaType = typeof body === 'string' ? mediaTypes.yaml : mediaTypes.json;
    const answer = await this.#transport.call({
      method: 'POST',
      path: restPaths.apply,
      query: { ...parameters, ...dryRunParameter(dryRun) },
      body: { text, mediaType },
    });
    return answer.body as ApplyResult;
  }

  async explain(question: ExplainRequest): Promise<Explanation> {
    const answer = await this.#transport.call({
      method: 'POST',
      path: restPaths.explain,
      body: { text: JSON.stringify(question), mediaType: mediaTypes.json },
    });
    return answer.body as Explanation;
  }

  async revisionStatus(revision: number): Promise<RevisionStatus> {
    return this.#get(restPaths.revisionStatus(revision));
  }

  /** The status now and after each change, until no node is pending. A `signal` that fires makes it throw its reason. */
  async *watchRevision(revision: number, signal?: AbortSignal): AsyncGenerator<RevisionStatus> {
    const path = restPaths.revisionStatus(revision);
    for await (const line of this.#transport.lines({ path, query: { watch: true }, signal })) {
      yield line as RevisionStatus;
    }
  }

  async kinds(): Promise<ApiResources> {
    return this.#get(restPaths.root);
  }

  /** JSON Schema of a kind's documents. */
  async schema(kind: KindReference): Promise<JsonSchema> {
    return this.#get(restPaths.schema(kindOf(kind).plural));
  }

  async version(): Promise<VersionInfo> {
    return this.#get(restPaths.version);
  }

  async nodes(options: Pick<ListOptions, 'labelSelector'> = {}): Promise<NodeResource[]> {
    return this.listAll<NodeResource>('nodes', options);
  }

  async node(name: string): Promise<NodeResource> {
    return this.get<NodeResource>('nodes', name);
  }

  /** The table that a node serves now, as the node itself tells it. */
  async configDump(node: string): Promise<unknown> {
    return this.#get(restPaths.nodeConfigDump(node));
  }

  /** Has a node replace its workers one by one; answers when that has begun. */
  async restartWorkers(node: string): Promise<WorkersRestart> {
    const answer = await this.#transport.call({ method: 'POST', path: restPaths.nodeRestartWorkers(node) });
    return answer.body as WorkersRestart;
  }

  /** Has a node end what it has and exit; answers when it has been told. */
  async drainNode(node: string): Promise<NodeDrain> {
    const answer = await this.#transport.call({ method: 'POST', path: restPaths.nodeDrain(node) });
    return answer.body as NodeDrain;
  }

  /** The oldest live connections, of those that `fieldSelector` takes: `route=chat,node=edge-1`. */
  async connections(
    options: Pick<ListOptions, 'namespace' | 'fieldSelector' | 'limit'> = {},
  ): Promise<ConnectionList> {
    const { namespace, ...query } = options;
    return this.#get(collectionPath(kindOf('connections'), namespace), query);
  }

  async serviceEndpoints(namespace: string, service: string): Promise<EndpointResource[]> {
    const list: ResourceList<EndpointResource> = await this.#get(
      restPaths.serviceEndpoints(namespace, service),
    );
    return list.items;
  }

  /** What its breaker and its retry budget do on each node. */
  async serviceLoad(namespace: string, service: string): Promise<NodeServiceLoad[]> {
    const { nodes }: ServiceLoad = await this.#get(restPaths.serviceLoad(namespace, service));
    return nodes;
  }

  /** The methods that Routes which transcode let clients call, by the forms that they have in HTTP. */
  async serviceMethods(namespace: string, service: string): Promise<{ method: string; http: string }[]> {
    const document: { 'x-causeway-methods': { method: string; http: string }[] } = await this.#get(
      restPaths.serviceOpenapi(namespace, service),
    );
    return document['x-causeway-methods'];
  }

  /** Closes the breaker of a Service on all nodes that have it. */
  async resetBreaker(namespace: string, service: string): Promise<NodeAnswers> {
    const path = restPaths.serviceResetBreaker(namespace, service);
    const answer = await this.#transport.call({ method: 'POST', path });
    return answer.body as NodeAnswers;
  }

  /** Makes a key for a Consumer. Its text is told this once. */
  createConsumerKey(
    { namespace, consumer }: ConsumerName,
    key: { name?: string | undefined; expiresAt?: string | undefined },
    message?: string,
  ): Promise<WrittenKey> {
    return this.#makeKey(restPaths.consumerKeys(namespace, consumer), key, message);
  }

  /** Has a new key take the place of one, which stays good for the overlap; a duration. */
  rotateConsumerKey(
    { namespace, consumer }: ConsumerName,
    name: string,
    key: { overlap?: string | undefined; expiresAt?: string | undefined },
    message?: string,
  ): Promise<WrittenKey> {
    return this.#makeKey(restPaths.rotateConsumerKey(namespace, consumer, name), key, message);
  }

  /** Answers with the revision without it. */
  async revokeConsumerKey(
    { namespace, consumer }: ConsumerName,
    name: string,
    message?: string,
  ): Promise<number> {
    const path = restPaths.consumerKey(namespace, consumer, name);
    return (await this.#transport.call({ method: 'DELETE', path, query: { message } })).revision ?? 0;
  }

  /** Reads a DescriptorSet from its Service anew; `digest` of a dry run takes nothing else than was shown. */
  async refreshDescriptors(
    namespace: string,
    set: string,
    { dryRun, ...query }: { dryRun?: boolean; digest?: string; message?: string | undefined },
  ): Promise<DescriptorRefresh & { revision: number | undefined }> {
    const path = restPaths.descriptorSetRefresh(namespace, set);
    const answer = await this.#transport.call({
      method: 'POST',
      path,
      query: { ...query, ...dryRunParameter(dryRun) },
    });
    return { ...(answer.body as DescriptorRefresh), revision: answer.revision };
  }

  /** Takes answers of a Route out of the caches of all nodes that have it. */
  async purgeCache(namespace: string, route: string, purge: CachePurge): Promise<PurgeAnswers> {
    const path = restPaths.routePurgeCache(namespace, route);
    const body = { text: JSON.stringify(purge), mediaType: mediaTypes.json };
    const answer = await this.#transport.call({ method: 'POST', path, body });
    return answer.body as PurgeAnswers;
  }

  /** Replaces the key that affinity cookies are signed with, or that sessions of logged in users are sealed with. */
  async rotateKeys(purpose: 'session' | 'login'): Promise<void> {
    await this.#transport.call({ method: 'POST', path: restPaths.rotateKeys(purpose) });
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }

  async #makeKey(path: string, body: object, message: string | undefined): Promise<WrittenKey> {
    const { body: made, revision = 0 } = await this.#transport.call({
      method: 'POST',
      path,
      query: { message },
      body: { text: JSON.stringify(body), mediaType: mediaTypes.json },
    });
    return { ...(made as MadeKey), revision };
  }

  async #get<T>(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): Promise<T> {
    const answer = await this.#transport.call({ path, query });
    return answer.body as T;
  }

  async #write(
    method: 'PUT' | 'PATCH' | 'DELETE',
    kind: KindReference,
    name: string,
    text: string | undefined,
    mediaType: string,
    options: PutOptions,
  ): Promise<Resource> {
    const { namespace, ifMatch, dryRun, ...parameters } = options;
    const answer = await this.#transport.call({
      method,
      path: pathOf(kind, namespace, name),
      query: { ...parameters, ...dryRunParameter(dryRun) },
      ...(text === undefined ? {} : { body: { text, mediaType } }),
      ...(ifMatch === undefined ? {} : { headers: { 'if-match': `"${ifMatch}"` } }),
    });
    return answer.body as Resource;
  }
}

export function createAdminClient(options: TransportOptions): AdminClient {
  return new AdminClient(options);
}

function dryRunParameter(dryRun: boolean | undefined): { dryRun?: string } {
  return dryRun === true ? { dryRun: 'All' } : {};
}

function pathOf(kind: KindReference, namespace: string | undefined, name: string): string {
  return objectPath(kindOf(kind), namespace ?? defaultNamespace, name);
}

function kindOf(kind: KindReference): Pick<Kind, 'plural' | 'namespaced'> {
  if (typeof kind !== 'string') return kind;
  const known = kindByWord(kind);
  if (known === undefined) throw new TypeError(`no kind ${JSON.stringify(kind)}`);
  return known;
}
