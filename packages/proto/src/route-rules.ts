import {
  type CompiledRoute,
  EncodedCharacter,
  type ValuePredicate,
} from './gen/causeway/snapshot/v1/snapshot_pb.ts';

/** A compiled Route as the rules of a router: one for each match. Both planes build theirs from this. */
export interface RouteRule {
  key: string;
  index: number;
  hosts: readonly string[];
  path: RulePath;
  methods: readonly string[];
  headers: readonly RulePredicate[];
  query: readonly RulePredicate[];
  cookies: readonly RulePredicate[];
  priority: number;
}

type RulePath = { exact: string } | { prefix: string } | { template: string } | { regex: string };
type RulePredicate = { name: string } & (
  | { exact: string }
  | { prefix: string }
  | { regex: string }
  | { present: boolean }
);

const encodedCharacterNames = {
  [EncodedCharacter.SLASH]: 'slash',
  [EncodedCharacter.BACKSLASH]: 'backslash',
  [EncodedCharacter.QUESTION]: 'question',
  [EncodedCharacter.HASH]: 'hash',
  [EncodedCharacter.SEMICOLON]: 'semicolon',
} as const;

type EncodedCharacterName = (typeof encodedCharacterNames)[keyof typeof encodedCharacterNames];

/** Thrown for a choice that this version does not know: an old node must not guess. */
export class UnknownChoice extends Error {
  override readonly name = 'UnknownChoice';
}

/** The rules of a Route. Throws {@link UnknownChoice} for a path, predicate or character that is not known here. */
export function routeRules(route: CompiledRoute): RouteRule[] {
  return route.matches.map((match, index) => ({
    key: route.name,
    index,
    hosts: route.hosts,
    path: pathOf(match.path),
    methods: match.methods,
    headers: match.headers.map(predicateOf),
    query: match.query.map(predicateOf),
    cookies: match.cookies.map(predicateOf),
    priority: route.priority,
  }));
}

export function allowedEncodedCharacters(route: CompiledRoute): EncodedCharacterName[] {
  return route.allowEncoded.map((character) => {
    if (Object.hasOwn(encodedCharacterNames, character))
      return encodedCharacterNames[character as keyof typeof encodedCharacterNames];
    throw new UnknownChoice(`encoded character ${character}`);
  });
}

function pathOf(path: CompiledRoute['matches'][number]['path']): RulePath {
  switch (path.case) {
    case 'exact':
      return { exact: path.value };
    case 'prefix':
      return { prefix: path.value };
    case 'template':
      return { template: path.value };
    case 'regex':
      return { regex: path.value };
    case undefined:
      throw new UnknownChoice('a match without a path');
  }
}

function predicateOf({ name, way }: ValuePredicate): RulePredicate {
  switch (way.case) {
    case 'exact':
      return { name, exact: way.value };
    case 'prefix':
      return { name, prefix: way.value };
    case 'regex':
      return { name, regex: way.value };
    case 'present':
      return { name, present: way.value };
    case undefined:
      throw new UnknownChoice(`predicate ${name} without a comparison`);
  }
}
