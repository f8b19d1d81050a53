import type { ApiProblem } from '@causeway/model/api-types';
import { didYouMean } from '@causeway/model/hints';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { Reference } from '@causeway/model/kinds/kind';
import type { RouteSpec } from '@causeway/model/kinds/route';
import { defaultNamespace, identityOf, type Manifest, resourceKey } from '@causeway/model/resource';
import { implicitGateway } from '../store/implicit-gateway.ts';
import { type Entry, type ResourceView, targetKey } from '../store/resource-index.ts';
import type { BrokenDocument } from './plan.ts';

export interface ReferenceProblems {
  /** References in the request that lead nowhere. */
  unresolved: ApiProblem[];
  /** Objects outside the request that would lose what they refer to. */
  dangling: ApiProblem[];
}

/**
 * Checks the references from and to everything that a plan touches, in the configuration as it would be. A document
 * that does not validate counts as there: who refers to it is not at fault.
 */
export function checkReferences(
  planned: ResourceView,
  writtenKeys: readonly string[],
  removedKeys: readonly string[],
  broken: readonly BrokenDocument[],
): ReferenceProblems {
  const written = new Set(writtenKeys);
  const isThere = new Set(
    broken.flatMap(({ manifest }) => (manifest ? [resourceKey(identityOf(manifest))] : [])),
  );
  const lookUp = (key: string): Entry | 'broken' | undefined =>
    planned.get(key) ??
    (isThere.has(key) ? 'broken' : key === implicitGateway.key ? implicitGateway : undefined);
  const unresolved = writtenKeys.flatMap((key) => brokenReferences(planned.get(key)!, lookUp, planned));
  for (const { document, manifest, references } of broken) {
    for (const reference of manifest ? references : []) {
      const target = targetKey(reference, manifest!);
      if (!lookUp(target))
        unresolved.push({ document, ...unknownTarget(manifest!, { ...reference, target }, planned) });
    }
  }
  const dangling = new Map<string, ApiProblem>();
  for (const target of [...removedKeys, ...writtenKeys.filter((key) => key.startsWith('gateway/'))]) {
    for (const referrer of planned.referrersOf(target)) {
      if (written.has(referrer)) continue;
      for (const { lost, ...problem } of brokenReferences(planned.get(referrer)!, lookUp, planned)) {
        dangling.set(`${referrer}${problem.pointer}`, {
          resource: referrer,
          pointer: problem.pointer,
          code: 'referenced',
          detail: `refers to ${lost}`,
        });
      }
    }
  }
  return {
    unresolved: unresolved.map(({ lost: _, ...problem }) => problem),
    dangling: [...dangling.values()],
  };
}

/** `lost`: what the reference leads to and is not there. */
type BrokenReference = ApiProblem & { lost: string };

function brokenReferences(
  entry: Entry,
  lookUp: (key: string) => Entry | 'broken' | undefined,
  planned: ResourceView,
): BrokenReference[] {
  return entry.references.flatMap((reference): BrokenReference[] => {
    const target = lookUp(reference.target);
    if (target === undefined) return [unknownTarget(entry.resource, reference, planned)];
    const listener =
      target !== 'broken' && reference.kind === 'Gateway'
        ? unknownListener(entry, reference, target)
        : undefined;
    return listener ? [listener] : [];
  });
}

function unknownTarget(
  from: Pick<Manifest, 'kind' | 'metadata'>,
  reference: Reference & { target: string },
  planned: ResourceView,
): BrokenReference {
  const namespace = reference.target.split('/').length === 3 ? from.metadata.namespace : undefined;
  const names = [...planned.entriesOf(reference.kind)]
    .filter((candidate) => namespace === undefined || candidate.resource.metadata.namespace === namespace)
    .map((candidate) => candidate.resource.metadata.name);
  const place = namespace === undefined || namespace === defaultNamespace ? '' : ` in namespace ${namespace}`;
  const hint = didYouMean(reference.name, names);
  return {
    resource: resourceKey(identityOf(from)),
    pointer: reference.pointer,
    code: 'unknown_reference',
    detail: `no ${reference.kind} named ${JSON.stringify(reference.name)}${place}`,
    ...(hint === undefined ? {} : { hint }),
    lost: reference.target,
  };
}

/** A Route's `gateway/listener` must name a listener that the Gateway has. */
function unknownListener(entry: Entry, reference: Reference, target: Entry): BrokenReference | undefined {
  const index = Number(reference.pointer.slice(reference.pointer.lastIndexOf('/') + 1));
  const listener = (entry.effective as RouteSpec).gateways[index]?.split('/')[1];
  const names = (target.effective as GatewaySpec).listeners.map(({ name }) => name);
  if (listener === undefined || names.includes(listener)) return undefined;
  const hint = didYouMean(listener, names);
  return {
    resource: entry.key,
    pointer: reference.pointer,
    code: 'unknown_reference',
    detail: `${target.key} has no listener ${JSON.stringify(listener)} (it has ${names.join(', ')})`,
    ...(hint === undefined ? {} : { hint }),
    lost: `listener ${listener} of ${target.key}`,
  };
}
