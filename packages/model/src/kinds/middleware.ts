import type { z } from 'zod';
import { object } from '../fields.ts';
import { filterList, filterReferences } from '../filters/filter-item.ts';
import { filterProblems } from '../filters/filter-rules.ts';
import type { Problem } from '../problem.ts';
import { entriesOf, fieldOf, type Kind, writeVerbs } from './kind.ts';

const middlewareSpec = object(
  { filters: filterList('Filters that stand wherever the Middleware is named. Middlewares do not nest.') },
  'Filters under one name.',
);

export type MiddlewareSpec = z.output<typeof middlewareSpec>;

export const middlewareKind: Kind<typeof middlewareSpec> = {
  kind: 'Middleware',
  plural: 'middlewares',
  shortNames: ['mw'],
  namespaced: true,
  description:
    'Named, reusable filters; Routes of the namespace refer to it, and Gateways to those of default.',
  verbs: writeVerbs,
  spec: middlewareSpec,
  references: (spec) =>
    filterReferences(entriesOf(spec, 'filters')).filter(({ kind }) => kind !== 'Middleware'),
  check: (spec) => [...filterProblems(spec), ...nested(spec)],
  plannedFields: [],
};

function nested(spec: unknown): Problem[] {
  return entriesOf(spec, 'filters').flatMap((item, index): Problem[] =>
    fieldOf(item, 'middleware') === undefined
      ? []
      : [
          {
            code: 'not_allowed_here',
            pointer: `/spec/filters/${index}/middleware`,
            detail: 'Middlewares do not nest',
            hint: 'name both where they are used',
          },
        ],
  );
}
