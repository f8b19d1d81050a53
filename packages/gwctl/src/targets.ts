/** What a command is about: kinds, and names of objects, as kubectl takes them. */

import type { Kind } from '@causeway/model/kinds/kind';
import { kindByWord, kindHint } from '@causeway/model/kinds/registry';
import type { Identity } from '@causeway/model/resource';
import { type Failure, usage } from './failure.ts';

export interface Targets {
  /** Whole kinds; empty when objects are named. */
  kinds: readonly Kind[];
  objects: readonly Target[];
}

export interface Target {
  kind: Kind;
  identity: Identity;
}

/**
 * Parses `routes`, `routes,services`, `route orders chat`, `route/orders service/orders` and `route/shop/orders`. A kind
 * is a plural, singular or short name.
 */
export function parseTargets(words: readonly string[], namespace: string): Targets {
  const [first = '', ...names] = words;
  if (words.some((word) => word.includes('/'))) {
    return { kinds: [], objects: words.map((word) => parseObject(word, namespace)) };
  }
  const kinds = first.split(',').map(kindOfWord);
  const objects = kinds.flatMap((kind) => names.map((name) => target(kind, namespace, name)));
  return names.length === 0 ? { kinds, objects } : { kinds: [], objects };
}

/** Parses the name of an object of the one kind that a command takes, written as `orders`, `route/orders` or `route/shop/orders`. */
export function parseTarget(written: string, kind: string, namespace: string): Identity {
  const { objects } = parseTargets(written.includes('/') ? [written] : [kind, written], namespace);
  const [{ identity }] = objects as [Target];
  if (identity.kind !== kind) throw usage(`${JSON.stringify(written)} is no ${kind}`);
  return identity;
}

/** The kind of a word, or the error that says which one was meant. */
export function kindOfWord(word: string): Kind {
  const kind = kindByWord(word);
  if (kind !== undefined) return kind;
  const near = kindHint(word);
  throw usage(
    `no kind ${JSON.stringify(word)}${near === undefined ? '' : ` (${near})`}`,
    'kinds: gwctl api-resources',
  );
}

function parseObject(word: string, namespace: string): Target {
  const [kindWord = '', ...rest] = word.split('/');
  const kind = kindOfWord(kindWord);
  const isLong = rest.length === 2 && kind.namespaced;
  if (!(isLong || rest.length === 1) || rest.includes('')) {
    const form = kind.namespaced ? 'KIND/NAME or KIND/NAMESPACE/NAME' : 'KIND/NAME';
    throw usage(`${JSON.stringify(word)} names no object`, `write ${form}, or all objects as KIND NAME...`);
  }
  return isLong ? target(kind, rest[0]!, rest[1]!) : target(kind, namespace, rest[0]!);
}

/** For a kind of which no object can be asked for alone. */
export function onlyListed({ plural }: Kind): Failure {
  return usage(
    `${plural} can only be listed`,
    `gwctl get ${plural}, and --field-selector to find some of them`,
  );
}

function target(kind: Kind, namespace: string, name: string): Target {
  if (!kind.verbs.includes('get')) throw onlyListed(kind);
  const place = kind.namespaced ? { namespace } : {};
  return { kind, identity: { kind: kind.kind, ...place, name } };
}
