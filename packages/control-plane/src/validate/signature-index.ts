import type { RouteSpec } from '@causeway/model/kinds/route';
import { qualifiedName } from '@causeway/model/resource';
import { routeRules } from '@causeway/proto/route-rules';
import { matchSignature } from '@causeway/router/match-signature';
import type { CompiledRoute } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { compileRoute } from '../compile/compile-route.ts';
import type { Entry, EntryChange, ResourceIndex } from '../store/resource-index.ts';

/**
 * Which Routes match exactly the same requests: Route keys by the signature of each match, host and Gateway. Follows
 * revisions, so that a write among many Routes is compared with few.
 */
export class SignatureIndex {
  readonly #keys = new Map<string, Set<string>>();

  constructor(index: ResourceIndex) {
    this.#apply([...index.entriesOf('Route')].map((after) => ({ key: after.key, before: undefined, after })));
    index.onRevision((_revision, _committedAt, changes) => this.#apply(changes));
  }

  #apply(changes: readonly EntryChange[]): void {
    for (const { key, before, after } of changes) {
      for (const signature of before ? signaturesOf(before) : []) this.#keys.get(signature)?.delete(key);
      for (const signature of after ? signaturesOf(after) : []) {
        const keys = this.#keys.get(signature);
        if (keys) keys.add(key);
        else this.#keys.set(signature, new Set([key]));
      }
      for (const signature of before ? signaturesOf(before) : [])
        if (this.#keys.get(signature)?.size === 0) this.#keys.delete(signature);
    }
  }

  /** Keys of Routes that have a match of this signature. */
  routesWith(signature: string): Iterable<string> {
    return this.#keys.get(signature) ?? [];
  }
}

/** One text for each Gateway, host and match of a Route; empty for other kinds. */
export function signaturesOf(entry: Entry): string[] {
  if (entry.resource.kind !== 'Route') return [];
  const { gateways } = entry.effective as RouteSpec;
  const rules = routeRules(compileRoute(entry, 'default').value as CompiledRoute);
  return gateways.flatMap((gateway) =>
    rules.flatMap((rule) => {
      const hosts = rule.hosts.length > 0 ? rule.hosts : [undefined];
      return hosts.map(
        (host) => `${gateway} ${matchSignature({ ...rule, allowEncoded: 0, value: undefined }, host)}`,
      );
    }),
  );
}

/** Name by which ties are broken: bytewise, `namespace/name`. */
export function tieBreakName(entry: Entry): string {
  return qualifiedName(entry.resource.metadata.namespace, entry.resource.metadata.name);
}
