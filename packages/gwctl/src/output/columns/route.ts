import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import type { Resource, Spec } from '@causeway/model/resource';
import { filterNames } from '../filters.ts';
import { scalarText } from '../scalar-text.ts';
import type { KindView } from './column.ts';
import {
  ageColumn,
  generationColumn,
  nameColumn,
  nodesColumn,
  revisionColumn,
  statusColumn,
} from './standard-columns.ts';

const table = [
  nameColumn,
  { title: 'HOSTS', cell: ({ spec }: Resource) => textsOr(spec, 'hosts', '*') },
  {
    title: 'MATCHES',
    cell: ({ spec }: Resource, { wide }: { wide: boolean }) => (wide ? allMatches(spec) : firstMatch(spec)),
  },
  { title: 'BACKENDS', cell: ({ spec }: Resource) => backends(spec) },
  nodesColumn,
  statusColumn,
  ageColumn,
];

export const routeView: KindView<Resource> = {
  table: { columns: table },
  wide: {
    needs: ['middlewares'],
    columns: [
      ...table,
      { title: 'GATEWAYS', cell: ({ spec }) => textsOr(spec, 'gateways', 'default') },
      { title: 'FILTERS', cell: (route, { middlewares }) => filterNames(route, middlewares) },
      { title: 'PRIORITY', cell: ({ spec }) => scalarText(spec['priority'], '0') },
      generationColumn,
      revisionColumn,
    ],
  },
};

function textsOr(spec: Spec, field: string, absent: string): string[] {
  const texts = entriesOf(spec, field).map(String);
  return texts.length === 0 ? [absent] : texts;
}

/** Names of Services; with their weights when there are several. */
function backends(spec: Spec): string[] {
  const entries = entriesOf(spec, 'backends');
  return entries.map((entry) => {
    const service = String(fieldOf(entry, 'service'));
    return entries.length === 1 ? service : `${service} ${Number(fieldOf(entry, 'weight') ?? 1)}`;
  });
}

/** A Route without matches has one that takes everything. */
export function matchesOf(spec: Spec): unknown[] {
  const matches = entriesOf(spec, 'matches');
  return matches.length === 0 ? [{}] : matches;
}

function firstMatch(spec: Spec): string {
  const [first, ...more] = matchesOf(spec);
  return matchText(first, false) + (more.length === 0 ? '' : ` +${more.length}`);
}

function allMatches(spec: Spec): string {
  return matchesOf(spec)
    .map((match) => matchText(match, true))
    .join(';');
}

/** `prefix /orders GET,POST x-canary=always`; without values when it must be short. */
export function matchText(match: unknown, whole: boolean): string {
  const [[way, path] = ['prefix', '/']] = Object.entries(fieldOf(match, 'path') ?? {});
  const grpc = fieldOf(match, 'grpc');
  const values = (field: string, word: string): string[] =>
    entriesOf(match, field).map((predicate) => `${word}${predicateText(predicate, whole)}`);
  return [
    grpc === undefined ? `${way} ${String(path)}` : grpcText(grpc),
    entriesOf(match, 'methods').join(','),
    ...values('headers', ''),
    ...values('cookies', 'cookie '),
    ...values('query', 'query '),
  ]
    .filter((part) => part !== '')
    .join(' ');
}

/** `grpc bookstore.v1.Bookstore`, or with `/GetBook`. */
function grpcText(grpc: unknown): string {
  const names = [fieldOf(grpc, 'service'), fieldOf(grpc, 'method')].filter((name) => name !== undefined);
  return `grpc ${names.map(String).join('/')}`;
}

function predicateText(predicate: unknown, whole: boolean): string {
  const name = String(fieldOf(predicate, 'name'));
  const isAbsent = fieldOf(predicate, 'present') === false;
  if (isAbsent) return `!${name}`;
  if (!whole) return name;
  const value = (way: string, sign: string, end = ''): string | undefined => {
    const text = fieldOf(predicate, way);
    return typeof text === 'string' ? `${name}${sign}${text}${end}` : undefined;
  };
  return value('exact', '=') ?? value('prefix', '=', '...') ?? value('regex', '~') ?? name;
}
