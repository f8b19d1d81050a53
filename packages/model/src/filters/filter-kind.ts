import type { z } from 'zod';
import type { PhaseName } from './phases.ts';

/** All that is particular to a filter as users write it. Adding one is writing such a value and listing it in `filter-kinds.ts`. */
export interface FilterKind<S extends z.ZodType = z.ZodType> {
  /** The key in a list of filters, and the filter's name unless it is given one. */
  key: string;
  spec: S;
  phase: PhaseName;
  /** Several of them may stand in one effective list, under different names. */
  mayRepeat: boolean;
  /** Status with which it answers every request, so that nothing behind it is ever asked; absent for one that lets requests pass. */
  answerStatus?: (spec: z.output<S>) => number;
  /** The field that names a Service in the namespace of the filter's object, which the filter needs. */
  serviceField?: string;
  /** A few words for tables, such as `respond 200`. */
  summary: (spec: z.output<S>) => string;
}
