import type { z } from 'zod';
import { type PhaseName, phases } from './phases.ts';

/** All that is particular to a filter as users write it. Adding one is writing such a value and listing it in `filter-kinds.ts`. */
export interface FilterKind<S extends z.ZodType = z.ZodType> {
  /** The key in a list of filters, and the filter's name unless it is given one. */
  key: string;
  spec: S;
  /** Where it stands; of a filter that may stand in several phases, by what it is asked to do. */
  phase: PhaseName | ((spec: z.output<S>) => PhaseName);
  /** It refuses requests, and may be tried out first: `enforcement` stands beside it. */
  mayBeShadowed?: boolean;
  /** Several of them may stand in one effective list, under different names. */
  mayRepeat: boolean;
  /** Status with which it answers every request, so that nothing behind it is ever asked; absent for one that lets requests pass. */
  answerStatus?: (spec: z.output<S>) => number;
  /** Fields that name objects of the namespace of the filter's own object, one or a list: the filter needs them. */
  objectFields?: readonly {
    field: string;
    kind: 'Service' | 'AuthProvider' | 'ApiSpec' | 'DescriptorSet' | 'Plugin';
  }[];
  /** It answers the CORS preflights of its Routes, whatever methods these take. */
  answersPreflights?: boolean;
  /** A few words for tables, such as `respond 200`. */
  summary: (spec: z.output<S>) => string;
}

/** Phase of a filter as it is written, defaults left out or not; of a spec that is not valid the first one that the filter may stand in. */
export function phaseOf(kind: FilterKind, spec: unknown): PhaseName {
  if (typeof kind.phase === 'string') return kind.phase;
  const effective = kind.spec.safeParse(spec);
  if (effective.success) return kind.phase(effective.data);
  return phases.find(({ filters }) => filters.some((key) => key === kind.key))!.name;
}
