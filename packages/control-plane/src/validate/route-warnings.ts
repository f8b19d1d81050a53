import type { RouteSpec } from '@causeway/model/kinds/route';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import type { PlannedObject } from './plan.ts';
import { shortKey } from './short-key.ts';
import { type SignatureIndex, signaturesOf, tieBreakName } from './signature-index.ts';

/** Warnings are cut after this many, so that one apply of many twins stays readable. */
const warningsMax = 20;

/** Warns where two Routes match exactly the same requests: the order is total, so only one of them is ever chosen. */
export function routeWarnings(
  objects: readonly PlannedObject[],
  planned: ResourceView,
  signatures: SignatureIndex,
): string[] {
  const warnings = new Set<string>();
  const plannedRoutes = objects.filter(
    (object) => object.resource.kind === 'Route' && object.outcome !== 'deleted',
  );
  const within = new Map<string, Entry[]>();
  for (const { key } of plannedRoutes) {
    const entry = planned.get(key)!;
    for (const signature of signaturesOf(entry))
      within.set(signature, [...(within.get(signature) ?? []), entry]);
  }
  for (const [signature, entries] of within) {
    const others = [...signatures.routesWith(signature)]
      .filter((key) => !entries.some((entry) => entry.key === key))
      .map((key) => planned.get(key))
      .filter((entry) => entry !== undefined && signaturesOf(entry).includes(signature));
    const all = [...new Set([...entries, ...others])]
      .filter((entry) => entry !== undefined)
      .toSorted(byPrecedence);
    for (const loser of all.slice(1)) warnings.add(sameRequests(all[0]!, loser));
    if (warnings.size >= warningsMax) break;
  }
  return [...warnings].slice(0, warningsMax);
}

/** The warning of one Route: another one that takes the same requests. */
export function twinsOf(entry: Entry, view: ResourceView, signatures: SignatureIndex): string[] {
  return routeWarnings(
    [{ key: entry.key, outcome: 'unchanged', resource: entry.resource }],
    view,
    signatures,
  );
}

function byPrecedence(a: Entry, b: Entry): number {
  const byPriority = (b.effective as RouteSpec).priority - (a.effective as RouteSpec).priority;
  return byPriority || (tieBreakName(a) < tieBreakName(b) ? -1 : 1);
}

function sameRequests(winner: Entry, loser: Entry): string {
  const by =
    (winner.effective as RouteSpec).priority === (loser.effective as RouteSpec).priority
      ? 'name'
      : 'priority';
  const [win, lose] = [shortKey(winner), shortKey(loser)];
  return `${lose} and ${win} match exactly the same requests; ${win} wins by ${by}, ${lose} will never be chosen`;
}
