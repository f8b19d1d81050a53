import type { RouteSpec } from '@causeway/model/kinds/route';
import { encodeItem } from '@causeway/proto/compiled';
import type { EndpointSet, Item } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { SnapshotItems } from '@causeway/proto/snapshot-items';
import { compileGateway, compileRoute, compileService } from '../compile/compile-resource.ts';
import { staticEndpoints } from '../registry/static-endpoints.ts';
import { implicitGateway } from '../store/implicit-gateway.ts';
import type { Entry, EntryChange, ResourceView } from '../store/resource-index.ts';
import type { ReadSecret } from '../store/secret-values.ts';
import { ViewCertificates } from './view-certificates.ts';

/**
 * What the nodes of one Gateway hold: the Gateway, the Routes that join it, the Services that these refer to, and the
 * Certificates that those refer to. Follows revisions by their changes, so that a change of one Route costs one Route, however many there are.
 */
export class GatewayView {
  readonly gateway: string;
  readonly #resources: ResourceView;
  readonly #endpoints = new Map<string, EndpointSet>();
  /** Service key -> number of Routes of this view that refer to it. */
  readonly #serviceUses = new Map<string, number>();
  /** What the items of Services were made from, so that a Route costs nothing for a Service that stays as it is. */
  readonly #services = new Map<string, Entry>();
  readonly #certificates: ViewCertificates;
  #items = SnapshotItems.empty;

  constructor(gateway: string, resources: ResourceView, readSecret: ReadSecret) {
    this.gateway = gateway;
    this.#resources = resources;
    this.#certificates = new ViewCertificates(resources, readSecret);
    const changes = [
      ...resources.entriesOf('Gateway'),
      ...resources.entriesOf('Service'),
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
    // After the Routes: which Services belong here is known now.
    for (const change of changes) {
      if ((change.after ?? change.before)?.resource.kind === 'Service') update.services.add(change.key);
    }
    for (const key of update.services) this.#putService(key, update);
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
    if (entry) update.put(encodeItem(compileGateway(entry)));
    else update.remove(this.#gatewayKey);
  }

  #changeRoute({ key, before, after }: EntryChange, update: ViewUpdate): void {
    const was = before !== undefined && joins(before, this.gateway);
    const is = after !== undefined && joins(after, this.gateway);
    if (was) this.#countServices(before, -1, update);
    if (is) this.#countServices(after, 1, update);
    if (is) update.put(encodeItem(compileRoute(after, this.gateway)));
    else if (was) update.remove(key);
  }

  #countServices(route: Entry, by: 1 | -1, update: ViewUpdate): void {
    for (const reference of route.references) {
      if (reference.kind !== 'Service') continue;
      const uses = (this.#serviceUses.get(reference.target) ?? 0) + by;
      if (uses === 0) this.#serviceUses.delete(reference.target);
      else this.#serviceUses.set(reference.target, uses);
      update.services.add(reference.target);
    }
  }

  #putService(key: string, update: ViewUpdate): void {
    const entry = this.#serviceUses.has(key) ? this.#resources.get(key) : undefined;
    const name = key.slice('service/'.length);
    const before = this.#services.get(key);
    if (before === entry && entry) return;
    if (before) this.#certificates.countUses(before, -1);
    if (!entry) {
      this.#services.delete(key);
      this.#endpoints.delete(name);
      update.remove(key);
    } else {
      this.#certificates.countUses(entry, 1);
      this.#services.set(key, entry);
      this.#endpoints.set(name, staticEndpoints(entry));
      update.put(encodeItem(compileService(entry)));
    }
  }
}

class ViewUpdate {
  readonly upserts = new Map<string, Item>();
  readonly removedKeys = new Set<string>();
  readonly services = new Set<string>();

  put(item: Item): void {
    this.removedKeys.delete(item.key);
    this.upserts.set(item.key, item);
  }

  remove(key: string): void {
    this.upserts.delete(key);
    this.removedKeys.add(key);
  }
}

function joins(route: Entry, gateway: string): boolean {
  return (route.effective as RouteSpec).gateways.some((reference) => reference.split('/')[0] === gateway);
}
