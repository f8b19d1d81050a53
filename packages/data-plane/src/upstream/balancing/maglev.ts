/** Consistent hashing by a table: a key belongs to one endpoint, and stays with it when others come and go. */

import { textHash } from '@causeway/runtime/text-hash';
import type { Steps } from '@causeway/runtime/work-slices';

import type { Member } from './member.ts';
import { RoundRobin } from './round-robin.ts';

/** Primes: only then does the walk of an endpoint come by every slot. */
const sizes = [1021, 4093, 16_381, 65_521, 262_139];
/** With so many slots for each endpoint shares are right to two percent, and little moves that need not. */
const slotsPerMember = 50;
const offsetSeed = 0x9e3779b9;
const skipSeed = 0x85ebca6b;
const keySeed = 0xc2b2ae35;
/** Slots between two pauses: some tens of microseconds. */
const slotsPerStep = 256;
const free = -1;

/** A slot for each key, a member for each slot. */
export interface MaglevTable<E> {
  readonly endpoints: readonly E[];
  /** By slot, an index of `endpoints`. */
  readonly owners: Int32Array;
}

/** Of a text that is to be looked up. */
export function keyHash(text: string): number {
  return textHash(text, keySeed) >>> 0;
}

export function maglevSize(members: number): number {
  return sizes.find((size) => size >= members * slotsPerMember) ?? sizes.at(-1)!;
}

/**
 * Every endpoint walks the slots in an order of its own, made of its id alone, and takes the first free one when it is its turn; turns follow
 * the weights. Equal members give the same table on every node and in every worker. May pause after some slots.
 * Source: Maglev (Eisenbud et al., NSDI 2016), section 3.4; turns by weight as in Envoy.
 */
export function* buildMaglev<E extends { readonly id: string }>(
  members: readonly Member<E>[],
): Steps<MaglevTable<E>> {
  const sorted = members.toSorted((one, other) => compareTexts(one.endpoint.id, other.endpoint.id));
  const size = maglevSize(members.length);
  const owners = new Int32Array(size).fill(free);
  const endpoints = sorted.map(({ endpoint }) => endpoint);
  if (endpoints.length === 0) return { endpoints, owners };
  const next = Int32Array.from(endpoints, ({ id }) => (textHash(id, offsetSeed) >>> 0) % size);
  const skips = Int32Array.from(endpoints, ({ id }) => ((textHash(id, skipSeed) >>> 0) % (size - 1)) + 1);
  const turns = new RoundRobin<number>();
  turns.setMembers(sorted.map(({ weight }, endpoint) => ({ endpoint, weight })));
  for (let filled = 0; filled < size; filled += 1) {
    const index = turns.pick()!;
    const skip = skips[index]!;
    let slot = next[index]!;
    while (owners[slot] !== free) {
      slot += skip;
      if (slot >= size) slot -= size;
    }
    owners[slot] = index;
    next[index] = slot;
    if (filled % slotsPerStep === 0) yield;
  }
  return { endpoints, owners };
}

/** Not by locale: nodes must agree. */
function compareTexts(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
