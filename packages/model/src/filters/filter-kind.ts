import type { z } from 'zod';
import type { PhaseName } from './phases.ts';

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
  objectFields?: readonly { field: string; kind: 'Service' | 'AuthProvider' }[];
  /** It answers the CORS preflights of its Routes, whatever methods these take. */
  answersPreflights?: boolean;
  /** A few words for tables, such as `respond 200`. */
  summary: (spec: z.output<S>) => string;
}

/** Phase of a filter as it is written. */
export function phaseOf(kind: FilterKind, spec: unknown): PhaseName {
  return typeof kind.phase === 'function' ? kind.phase(spec) : kind.phase;
}
