import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { RouteSpec } from '@causeway/model/kinds/route';
import { type Compiled, encodeItem } from '@causeway/proto/compiled';
import type { EndpointSet, Item } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import { compileApiSpec } from '../compile/compile-api-spec.ts';
import { compileAuthProvider } from '../compile/compile-auth-provider.ts';
import { compileDescriptorSet } from '../compile/compile-descriptor-set.ts';
import { compileRedis } from '../compile/compile-redis.ts';
import { compileGateway, compileMiddleware } from '../compile/compile-resource.ts';
import { compileRoute } from '../compile/compile-route.ts';
import { compileService } from '../compile/compile-service.ts';

import { staticEndpoints } from '../registry/static-endpoints.ts';
import { implicitGateway } from '../store/implicit-gateway.ts';
import type { CredentialHashes } from '../store/credential-hashes.ts';
import type { Entry, EntryChange, ResourceView } from '../store/resource-index.ts';
import { secretAt } from '../store/secret-at.ts';
import type { ReadSecret } from '../store/secret-values.ts';
import { countsInRedis } from './counts-in-redis.ts';
import { providerSecrets } from './provider-secrets.ts';
import { ViewCertificates } from './view-certificates.ts';
import { ViewConsumers } from './view-consumers.ts';

/**
 * What the nodes of one Gateway hold: the Gateway, the Routes that join it, the Services, Middlewares, AuthProviders, ApiSpecs and DescriptorSets that these refer to,
 * the Certificates that any of these refer to, and Consumers where filters look for them. Follows revisions by their changes, so that a change of one Route costs one Route, however
 * many there are.
 */
export class GatewayView {
  readonly gateway: string;
  readonly #resources: ResourceView;
  readonly #endpoints = new Map<string, EndpointSet>();
  /** Key of an object of such a kind -> number of references to it from the Gateway, the Routes and the Middlewares of this view. */
  readonly #uses = new Map<string, number>();
  /** What the items of these were made from, so that a Route costs nothing for a Service that stays as it is. */
  readonly #used = new Map<string, Entry>();
  /** Whose references are counted. */
  #gatewayEntry: Entry | undefined;
  /** What the item of the Gateway was made from: itself, and the reference to the URL of its Redis that is in the item. */
  #sentGateway: { readonly entry: Entry; readonly redisRef: string | undefined } | undefined;
  /** Objects of the view that count in Redis. Without any no node is told where it is. */
  #redisUsers = 0;
  readonly #certificates: ViewCertificates;
  readonly #consumers: ViewConsumers;
  readonly #readSecret: ReadSecret;
  readonly #hashes: CredentialHashes;
  #items = SnapshotItems.empty;

  constructor(gateway: string, resources: ResourceView, readSecret: ReadSecret, hashes: CredentialHashes) {
    this.gateway = gateway;
    this.#resources = resources;
    this.#readSecret = readSecret;
    this.#hashes = hashes;
    this.#certificates = new ViewCertificates(resources, readSecret);
    this.#consumers = new ViewConsumers({ gateway, resources, readSecret, hashes });
    const changes = [
      ...resources.entriesOf('Gateway'),
      ...usedKinds.flatMap((kind) => [...resources.entriesOf(kind)]),
      ...resources.entriesOf('Route'),
    ].map((entry): EntryChange => ({ key: entry.key, before: undefined, after: entry }));
    this.apply(changes);
  }

  get items(): SnapshotItems {
    return this.#items;
  }

  /** Endpoint sets by Service, `namespace/name`. A set that changes is another object. */
  get endpoints(): ReadonlyMap<string, EndpointSet> {
    return this.#endpoints;
  }

  /** True when the Gateway is one, and not only a name that a node gave. */
  get exists(): boolean {
    return this.#items.get(this.#gatewayKey) !== undefined;
  }

  apply(changes: readonly EntryChange[]): void {
    const update = new ViewUpdate();
    if (!this.exists) this.#putGateway(update);
    for (const change of changes) {
      if (change.key === this.#gatewayKey) this.#putGateway(update);
      const kind = (change.after ?? change.before)?.resource.kind;
      if (kind === 'Route') this.#changeRoute(change, update);
    }
    // After the Routes: which Services and Middlewares belong here is known now.
    for (const change of changes) {
      const kind = (change.after ?? change.before)?.resource.kind;
      if (isUsedKind(kind)) update.used.add(change.key);
      // What is in a Secret is part of the items of those that refer to it.
      if (kind === 'Secret') this.#refreshReferrers(change.key, update);
    }
    // Middlewares first, for their filters may need the others.
    for (const key of update.used) if (isMiddleware(key)) this.#putUsed(key, update);
    for (const key of update.used) if (!isMiddleware(key)) this.#putUsed(key, update);
    for (const change of changes) this.#certificates.noteChange(change);
    this.#certificates.update(update);
    for (const change of changes) this.#consumers.noteChange(change);
    this.#consumers.update(update);
    this.#sendGateway(update);
    this.#items = this.#items.with({
      upserts: [...update.upserts.values()],
      removedKeys: [...update.removedKeys],
    });
  }

  get #gatewayKey(): string {
    return `gateway/${this.gateway}`;
  }

  #putGateway(update: ViewUpdate): void {
    const entry =
      this.#resources.get(this.#gatewayKey) ?? (this.gateway === 'default' ? implicitGateway : undefined);
    if (this.#gatewayEntry) {
      this.#countUses(this.#gatewayEntry, -1, update);
      this.#certificates.countUses(this.#gatewayEntry, -1);
    }
    if (entry) {
      this.#countUses(entry, 1, update);
      this.#certificates.countUses(entry, 1);
    }
    this.#gatewayEntry = entry;
    if (!entry) update.remove(this.#gatewayKey);
  }

  /** Last: who counts in Redis is known now. */
  #sendGateway(update: ViewUpdate): void {
    const entry = this.#gatewayEntry;
    const redisRef = entry && this.#redisRefOf(entry);
    if (this.#sentGateway?.entry === entry && this.#sentGateway?.redisRef === redisRef) return;
    this.#sentGateway = entry && { entry, redisRef };
    if (!entry) return;
    const { redis } = entry.effective as GatewaySpec;
    const url = redisRef === undefined ? undefined : this.#readSecret(redisRef);
    const limitSecret = this.#hashes.limitSecret(this.gateway);
    update.put(encodeItem(compileGateway(entry, redis && compileRedis(redis, url, limitSecret))));
  }

  #redisRefOf(entry: Entry): string | undefined {
    if (this.#redisUsers + this.#consumers.redisUsers === 0) return undefined;
    return secretAt(entry, ['redis', 'url'], this.#resources)?.secretRef;
  }

  #changeRoute({ key, before, after }: EntryChange, update: ViewUpdate): void {
    const was = before !== undefined && joins(before, this.gateway);
    const is = after !== undefined && joins(after, this.gateway);
    if (was) this.#countUses(before, -1, update);
    if (is) this.#countUses(after, 1, update);
    if (is) update.put(encodeItem(compileRoute(after, this.gateway)));
    else if (was) update.remove(key);
  }

  #countUses(user: Entry, by: 1 | -1, update: ViewUpdate): void {
    this.#consumers.countUses(user, by);
    if (countsInRedis(user)) this.#redisUsers += by;
    // The control plane alone asks the Service that descriptors are read from.
    if (user.resource.kind === 'DescriptorSet') return;
    for (const { kind, target } of user.references) {
      if (!isUsedKind(kind)) continue;
      const uses = (this.#uses.get(target) ?? 0) + by;
      if (uses === 0) this.#uses.delete(target);
      else this.#uses.set(target, uses);
      update.used.add(target);
    }
  }

  #putUsed(key: string, update: ViewUpdate): void {
    const entry = this.#uses.has(key) ? this.#resources.get(key) : undefined;
    const service = isService(key) ? key.slice(servicePrefix.length) : undefined;
    const before = this.#used.get(key);
    if (before === entry && entry) return;
    if (before) {
      this.#countUses(before, -1, update);
      this.#certificates.countUses(before, -1);
    }
    if (!entry) {
      this.#used.delete(key);
      if (service !== undefined) this.#endpoints.delete(service);
      update.remove(itemKey(key));
    } else {
      this.#countUses(entry, 1, update);
      this.#certificates.countUses(entry, 1);
      this.#used.set(key, entry);
      if (service !== undefined) this.#endpoints.set(service, staticEndpoints(entry));
      const compiled = this.#compile(entry);
      if (compiled === undefined) update.remove(itemKey(key));
      else update.put(encodeItem(compiled));
    }
  }

  #compile(entry: Entry): Compiled | undefined {
    switch (entry.resource.kind) {
      case 'Middleware':
        return compileMiddleware(entry);
      case 'ApiSpec':
        return compileApiSpec(entry);
      case 'DescriptorSet':
        return compileDescriptorSet(entry);
      case 'AuthProvider':
        return compileAuthProvider(entry, providerSecrets(entry, this.#resources, this.#readSecret));
      default:
        return compileService(entry);
    }
  }

  #refreshReferrers(secretKey: string, update: ViewUpdate): void {
    for (const key of this.#resources.referrersOf(secretKey)) {
      const entry = this.#used.get(key);
      if (entry?.resource.kind === 'AuthProvider') update.put(encodeItem(this.#compile(entry)!));
    }
  }
}

class ViewUpdate {
  readonly upserts = new Map<string, Item>();
  readonly removedKeys = new Set<string>();
  /** Keys of such objects that may have come, changed or gone. */
  readonly used = new Set<string>();

  put(item: Item): void {
    this.removedKeys.delete(item.key);
    this.upserts.set(item.key, item);
  }

  remove(key: string): void {
    this.upserts.delete(key);
    this.removedKeys.add(key);
  }
}

const servicePrefix = 'service/';

function isService(key: string): boolean {
  return key.startsWith(servicePrefix);
}

function isMiddleware(key: string): boolean {
  return key.startsWith('middleware/');
}

/** Items are called by what nodes know, which is not always the kind. */
function itemKey(key: string): string {
  return key.replace(/^descriptorset\//, 'descriptors/');
}

/** Kinds whose objects are sent because others of the view refer to them. */
const usedKinds = ['Service', 'Middleware', 'AuthProvider', 'ApiSpec', 'DescriptorSet'];

function isUsedKind(kind: string | undefined): boolean {
  return kind !== undefined && usedKinds.includes(kind);
}

function joins(route: Entry, gateway: string): boolean {
  return (route.effective as RouteSpec).gateways.some((reference) => reference.split('/')[0] === gateway);
}
