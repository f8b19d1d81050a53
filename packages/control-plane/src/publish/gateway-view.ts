import type { RouteSpec } from '@causeway/model/kinds/route';
import { encodeItem } from '@causeway/proto/compiled';
import type { EndpointSet, Item } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import { compileGateway, compileMiddleware } from '../compile/compile-resource.ts';
import { compileRoute } from '../compile/compile-route.ts';
import { compileService } from '../compile/compile-service.ts';
import { staticEndpoints } from '../registry/static-endpoints.ts';
import { implicitGateway } from '../store/implicit-gateway.ts';
import type { Entry, EntryChange, ResourceView } from '../store/resource-index.ts';
import type { ReadSecret } from '../store/secret-values.ts';
import { ViewCertificates } from './view-certificates.ts';

/**
 * What the nodes of one Gateway hold: the Gateway, the Routes that join it, the Services and Middlewares that these refer to, and
 * the Certificates that the Gateway and those Services refer to. Follows revisions by their changes, so that a change of one Route costs one Route, however
 * many there are.
 */
export class GatewayView {
  readonly gateway: string;
  readonly #resources: ResourceView;
  readonly #endpoints = new Map<string, EndpointSet>();
  /** Key of a Service or Middleware -> number of references to it from the Gateway, the Routes and the Middlewares of this view. */
  readonly #uses = new Map<string, number>();
  /** What the items of these were made from, so that a Route costs nothing for a Service that stays as it is. */
  readonly #used = new Map<string, Entry>();
  /** What the item of the Gateway was made from. */
  #gatewayEntry: Entry | undefined;
  readonly #certificates: ViewCertificates;
  #items = SnapshotItems.empty;

  constructor(gateway: string, resources: ResourceView, readSecret: ReadSecret) {
    this.gateway = gateway;
    this.#resources = resources;
    this.#certificates = new ViewCertificates(resources, readSecret);
    const changes = [
      ...resources.entriesOf('Gateway'),
      ...resources.entriesOf('Service'),
      ...resources.entriesOf('Middleware'),
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
      if (kind === 'Service' || kind === 'Middleware') update.used.add(change.key);
    }
    // Middlewares first, for their filters may need Services.
    for (const key of update.used) if (!isService(key)) this.#putUsed(key, update);
    for (const key of update.used) if (isService(key)) this.#putUsed(key, update);
    for (const change of changes) this.#certificates.noteChange(change);
    this.#certificates.update(update);
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
    if (entry) update.put(encodeItem(compileGateway(entry)));
    else update.remove(this.#gatewayKey);
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
    for (const { kind, target } of user.references) {
      if (kind !== 'Service' && kind !== 'Middleware') continue;
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
      update.remove(key);
    } else {
      this.#countUses(entry, 1, update);
      this.#certificates.countUses(entry, 1);
      this.#used.set(key, entry);
      if (service !== undefined) this.#endpoints.set(service, staticEndpoints(entry));
      update.put(encodeItem(service === undefined ? compileMiddleware(entry) : compileService(entry)));
    }
  }
}

class ViewUpdate {
  readonly upserts = new Map<string, Item>();
  readonly removedKeys = new Set<string>();
  /** Keys of Services and Middlewares that may have come, changed or gone. */
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

function joins(route: Entry, gateway: string): boolean {
  return (route.effective as RouteSpec).gateways.some((reference) => reference.split('/')[0] === gateway);
}
