import type { ApiProblem } from '@causeway/model/api-types';
import { didYouMean } from '@causeway/model/hints';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { Reference } from '@causeway/model/kinds/kind';
import { kindNamed } from '@causeway/model/kinds/registry';
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

/** Finding the name that was meant looks at every name there is, so only so many problems of a request get a hint. */
const hintsMax = 20;

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
  const check = new ReferenceCheck(planned, broken);
  const unresolved = [
    ...writtenKeys.flatMap((key) => check.ofEntry(planned.get(key))),
    ...broken.flatMap((document) => check.ofBroken(document)),
  ];
  return {
    unresolved: unresolved.map(({ problem }) => problem),
    dangling: danglingReferences(planned, check, writtenKeys, removedKeys),
  };
}

function danglingReferences(
  planned: ResourceView,
  check: ReferenceCheck,
  writtenKeys: readonly string[],
  removedKeys: readonly string[],
): ApiProblem[] {
  const written = new Set(writtenKeys);
  const dangling = new Map<string, ApiProblem>();
  // A Gateway that is written may have lost a listener that a Route names.
  for (const target of [...removedKeys, ...writtenKeys.filter((key) => key.startsWith('gateway/'))]) {
    for (const referrer of planned.referrersOf(target)) {
      if (written.has(referrer)) continue;
      for (const { lost, problem } of check.ofEntry(planned.get(referrer))) {
        dangling.set(`${referrer}${problem.pointer}`, {
          resource: referrer,
          pointer: problem.pointer,
          code: 'referenced',
          detail: `refers to ${lost}`,
        });
      }
    }
  }
  return [...dangling.values()];
}

interface BrokenReference {
  problem: ApiProblem;
  /** What the reference leads to and is not there. */
  lost: string;
}

class ReferenceCheck {
  readonly #planned: ResourceView;
  /** Keys of documents that do not validate. */
  readonly #broken: ReadonlySet<string>;
  readonly #names = new Map<string, string[]>();
  #hints = 0;

  constructor(planned: ResourceView, broken: readonly BrokenDocument[]) {
    this.#planned = planned;
    this.#broken = new Set(
      broken.flatMap(({ manifest }) => (manifest ? [resourceKey(identityOf(manifest))] : [])),
    );
  }

  /** References of an object that lead nowhere; none for one that is not planned because it has problems of its own. */
  ofEntry(entry: Entry | undefined): BrokenReference[] {
    return (entry?.references ?? []).flatMap((reference): BrokenReference[] => {
      const target = this.#target(reference.target);
      if (target === undefined) return [this.#unknownTarget(entry!.resource, reference)];
      if (target === 'broken' || reference.kind !== 'Gateway') return [];
      return unknownListener(entry!, reference, target);
    });
  }

  ofBroken({ document, manifest, references }: BrokenDocument): BrokenReference[] {
    if (!manifest) return [];
    return references.flatMap((reference): BrokenReference[] => {
      const target = targetKey(reference, manifest);
      if (this.#target(target)) return [];
      const { lost, problem } = this.#unknownTarget(manifest, { ...reference, target });
      return [{ lost, problem: { document, ...problem } }];
    });
  }

  #target(key: string): Entry | 'broken' | undefined {
    if (this.#broken.has(key)) return 'broken';
    return this.#planned.get(key) ?? (key === implicitGateway.key ? implicitGateway : undefined);
  }

  #unknownTarget(
    from: Pick<Manifest, 'kind' | 'metadata'>,
    reference: Reference & { target: string },
  ): BrokenReference {
    const { namespace } = kindNamed(reference.kind)?.namespaced
      ? { namespace: defaultNamespace, ...from.metadata }
      : {};
    const place =
      namespace === undefined || namespace === defaultNamespace ? '' : ` in namespace ${namespace}`;
    const hint = this.#hint(reference, namespace);
    return {
      lost: reference.target,
      problem: {
        resource: resourceKey(identityOf(from)),
        pointer: reference.pointer,
        code: 'unknown_reference',
        detail: `no ${reference.kind} named ${JSON.stringify(reference.name)}${place}`,
        ...(hint === undefined ? {} : { hint }),
      },
    };
  }

  #hint({ kind, name }: Reference, namespace: string | undefined): string | undefined {
    if (this.#hints === hintsMax) return undefined;
    this.#hints += 1;
    const place = `${kind} ${namespace ?? ''}`;
    let names = this.#names.get(place);
    if (!names) this.#names.set(place, (names = this.#namesOf(kind, namespace)));
    return didYouMean(name, names);
  }

  #namesOf(kind: string, namespace: string | undefined): string[] {
    return [...this.#planned.entriesOf(kind)]
      .filter(({ resource }) => namespace === undefined || resource.metadata.namespace === namespace)
      .map(({ resource }) => resource.metadata.name);
  }
}

/** A Route's `gateway/listener` must name a listener that the Gateway has. */
function unknownListener(entry: Entry, reference: Reference, target: Entry): BrokenReference[] {
  const index = Number(reference.pointer.slice(reference.pointer.lastIndexOf('/') + 1));
  const listener = (entry.effective as RouteSpec).gateways[index]?.split('/')[1];
  const names = (target.effective as GatewaySpec).listeners.map(({ name }) => name);
  if (listener === undefined || names.includes(listener)) return [];
  const hint = didYouMean(listener, names);
  const problem: ApiProblem = {
    resource: entry.key,
    pointer: reference.pointer,
    code: 'unknown_reference',
    detail: `${target.key} has no listener ${JSON.stringify(listener)} (it has ${names.join(', ')})`,
    ...(hint === undefined ? {} : { hint }),
  };
  return [{ lost: `listener ${listener} of ${target.key}`, problem }];
}
