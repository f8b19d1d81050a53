/** Who a key belongs to, while endpoints come and go and fall ill. */

import { runAtOnce, sliceWork } from '@causeway/runtime/work-slices';

import { buildMaglev, type MaglevTable } from './maglev.ts';
import type { Member } from './member.ts';

/** A table for so many is built in less than a millisecond: at once. */
const membersAtOnceMax = 64;
/** Slots that are looked at when the owner of the first one is not to be had: of 1,000 endpoints three quarters may be ill before that is too few. */
const slotsTriedMax = 64;

/**
 * The table holds all members with a weight, ill or not: when one falls ill only its keys move, each to whoever has the next slot, and they
 * come back with it. A table for many is built in slices beside the traffic; until it is there, the one before it holds.
 */
export class ConsistentHash<E extends { readonly id: string }> {
  #table: MaglevTable<E> | undefined;
  #members: readonly Member<E>[] = [];
  #building: Promise<void> | undefined;

  setMembers(members: readonly Member<E>[]): void {
    if (isSame(members, this.#members)) return;
    this.#members = members;
    this.#building = undefined;
    if (members.length <= membersAtOnceMax) this.#table = runAtOnce(buildMaglev(members));
    else this.#building = this.#build(members);
  }

  /** Resolves when keys are looked up among the members that were set last. */
  async ready(): Promise<void> {
    while (this.#building !== undefined) await this.#building;
  }

  /** The owner of a key, as `keyHash` gives it; undefined before the first table. */
  ownerOf(key: number): E | undefined {
    const { owners, endpoints } = this.#table ?? {};
    return endpoints?.[owners?.[key % owners.length] ?? 0];
  }

  /** The owner of the first slot that `accepts` takes; undefined where too many are refused. */
  find(key: number, accepts: (endpoint: E) => boolean): E | undefined {
    if (this.#table === undefined) return undefined;
    const { owners, endpoints } = this.#table;
    let slot = key % owners.length;
    for (let tried = 0; tried < slotsTriedMax; tried += 1) {
      const endpoint = endpoints[owners[slot]!];
      if (endpoint !== undefined && accepts(endpoint)) return endpoint;
      slot = slot + 1 === owners.length ? 0 : slot + 1;
    }
    return undefined;
  }

  async #build(members: readonly Member<E>[]): Promise<void> {
    const table = await sliceWork(buildMaglev(members));
    if (members !== this.#members) return;
    this.#table = table;
    this.#building = undefined;
  }
}

function isSame<E>(some: readonly Member<E>[], others: readonly Member<E>[]): boolean {
  return (
    some.length === others.length &&
    some.every(
      ({ endpoint, weight }, index) =>
        endpoint === others[index]!.endpoint && weight === others[index]!.weight,
    )
  );
}
