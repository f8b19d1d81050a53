import { fieldOf } from '@causeway/model/kinds/kind';
import { usage } from '../failure.ts';

/**
 * Orders by a field such as `.metadata.name` (a dot in front and braces around it are allowed, as in kubectl): numbers by
 * value, all else as text, objects without it last. Equal ones stay in their order.
 */
export function sortBy<T>(field: string | undefined, items: readonly T[]): readonly T[] {
  if (field === undefined || items.length === 0) return items;
  const path = field
    .replace(/^\{(.*)\}$/, '$1')
    .replace(/^\./, '')
    .split('.');
  const keyed = items.map((item) => ({ item, key: path.reduce<unknown>(fieldOf, item) }));
  if (keyed.every(({ key }) => key === undefined))
    throw usage(`--sort-by: no object has ${field}`, 'write a path such as .metadata.name or .spec.priority');
  return keyed.toSorted((a, b) => compare(a.key, b.key)).map(({ item }) => item);
}

function compare(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  // Versions and revisions are numbers in text.
  return textOf(a).localeCompare(textOf(b), 'en', { numeric: true });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
