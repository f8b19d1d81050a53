import { didYouMean } from '../hints.ts';
import { apiSpecKind } from './api-spec.ts';
import { authProviderKind } from './auth-provider.ts';
import { certificateKind } from './certificate.ts';
import { consumerKind } from './consumer.ts';
import { descriptorSetKind } from './descriptor-set.ts';
import { gatewayKind } from './gateway.ts';
import { type Kind, readVerbs } from './kind.ts';
import { middlewareKind } from './middleware.ts';
import { pluginKind } from './plugin.ts';
import { routeKind } from './route.ts';
import { secretKind } from './secret.ts';
import { serviceKind } from './service.ts';

const endpointKind: Kind = {
  kind: 'Endpoint',
  plural: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  description: 'An address that answers for a Service: where it comes from, and how the nodes find it.',
  verbs: readVerbs,
  references: () => [],
  plannedFields: [],
};

const connectionKind: Kind = {
  kind: 'Connection',
  plural: 'connections',
  shortNames: ['conn'],
  namespaced: true,
  description: 'A WebSocket or another stream that is open now: on which node, and what admitted it.',
  verbs: ['list'],
  references: () => [],
  plannedFields: [],
};

const nodeKind: Kind = {
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  description: 'A data-plane node: its labels, version, desired and applied revision, last problems.',
  verbs: readVerbs,
  references: () => [],
  plannedFields: [],
};

const revisionKind: Kind = {
  kind: 'Revision',
  plural: 'revisions',
  shortNames: ['rev'],
  namespaced: false,
  description: 'Who changed what, when and from where.',
  verbs: readVerbs,
  references: () => [],
  plannedFields: [],
};

/** Every kind there is, in the order in which lists of kinds show them. */
export const kinds: readonly Kind[] = [
  routeKind,
  serviceKind,
  gatewayKind,
  middlewareKind,
  consumerKind,
  authProviderKind,
  apiSpecKind,
  descriptorSetKind,
  pluginKind,
  certificateKind,
  secretKind,
  endpointKind,
  connectionKind,
  nodeKind,
  revisionKind,
] as readonly Kind[];

const byKind = new Map(kinds.map((kind) => [kind.kind, kind]));
const byWord = new Map(
  kinds.flatMap((kind) =>
    [kind.plural, kind.kind.toLowerCase(), ...kind.shortNames].map((word) => [word, kind] as const),
  ),
);

/** The kind of that exact `kind` value, such as `Route`. */
export function kindNamed(kind: string): Kind | undefined {
  return byKind.get(kind);
}

/** The kind that a user means by a plural, singular or short name, in any case. */
export function kindByWord(word: string): Kind | undefined {
  return byWord.get(word.toLowerCase());
}

/** Hint for a word that names no kind. */
export function kindHint(word: string): string | undefined {
  const fits = kinds.some((kind) => kind.kind[0] === word[0]);
  return didYouMean(word, fits ? byKind.keys() : byWord.keys());
}

/** Hint for a `kind` that is none: always the exact spelling, also of a plural or short name. */
export function kindFieldHint(kind: string): string | undefined {
  const meant = kindByWord(kind);
  return meant ? `did you mean ${JSON.stringify(meant.kind)}?` : didYouMean(kind, byKind.keys());
}
