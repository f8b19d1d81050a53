import { z } from 'zod';
import { flag, list, name, object, say } from '../fields.ts';
import { fieldOf, type Reference } from '../kinds/kind.ts';
import { faultInjectionFilter } from './fault-injection.ts';
import { filterKindNamed, filterKinds } from './filter-kinds.ts';
import { mirrorFilter } from './mirror.ts';
import { respondFilter } from './respond.ts';

/** Entries of one list as written. */
const itemsMax = 64;

const filterItem = object(
  {
    name: name
      .optional()
      .describe('Name of the filter, default its key. One of the same name further on replaces it.'),
    disabled: flag('true: removes the inherited filter of this name.').default(false),
    middleware: name
      .optional()
      .describe('Middleware whose filters stand here, in place of a filter. Not inside a Middleware.'),
    respond: respondFilter.spec.optional(),
    faultInjection: faultInjectionFilter.spec.optional(),
    mirror: mirrorFilter.spec.optional(),
  },
  'A filter, {middleware: NAME}, or {name, disabled: true}.',
).meta({
  oneOf: [
    ...filterKinds.map(({ key }) => ({ required: [key] })),
    { required: ['middleware'] },
    { required: ['disabled'], properties: { disabled: { const: true } } },
  ],
});

export type FilterItem = z.output<typeof filterItem>;

/** A list of filters, as Gateway, Route and Middleware have it. Its entries are told apart by name (`filterName`). */
export function filterList(description: string) {
  return list(filterItem, { description, max: itemsMax })
    .superRefine((items, context) => {
      const first = new Map<string, number>();
      for (const [index, item] of items.entries()) {
        const identity =
          item.middleware === undefined ? `filter ${filterName(item)}` : `middleware ${item.middleware}`;
        const before = first.get(identity);
        if (before === undefined) first.set(identity, index);
        else {
          const message = say('duplicate', `the same name as entry ${before}`, 'give it a name of its own');
          context.addIssue({ code: 'custom', path: [index], message });
        }
      }
    })
    .meta({ 'x-causeway-list-key': 'name' })
    .default([]);
}

/** The name of an entry: its own, or its filter's key, also of one that this version does not know; '' of what has neither. */
export function filterName(item: unknown): string {
  const own = fieldOf(item, 'name');
  if (typeof own === 'string') return own;
  return filterKeys(item)[0] ?? '';
}

const ownFields = ['name', 'disabled', 'middleware', 'enforcement'];

/** Keys that are there to say which filter it is, those of filters that this version does not know among them. */
export function filterKeys(item: unknown): string[] {
  const isMapping = typeof item === 'object' && item !== null;
  return isMapping ? Object.keys(item).filter((key) => !ownFields.includes(key)) : [];
}

/** What the entries of `/spec/filters` name: Middlewares, and the Services that filters need. */
export function filterReferences(filters: readonly unknown[]): Reference[] {
  return filters.flatMap((item, index): Reference[] => {
    const at = `/spec/filters/${index}`;
    const middleware = fieldOf(item, 'middleware');
    if (typeof middleware === 'string')
      return [{ pointer: `${at}/middleware`, kind: 'Middleware', name: middleware }];
    return filterKeys(item).flatMap((key): Reference[] => {
      const field = filterKindNamed(key)?.serviceField;
      const service = field === undefined ? undefined : fieldOf(fieldOf(item, key), field);
      return typeof service === 'string'
        ? [{ pointer: `${at}/${key}/${field}`, kind: 'Service', name: service }]
        : [];
    });
  });
}
