import type { Kind } from './kinds/kind.ts';

/** Every path of the admin API, in one file: the server mounts what the client calls. */
const root = '/apis/causeway/v1';

/** Clients read `.` and `..` as steps (WHATWG URL section 4.4), also when they are encoded: they become what no object is called. */
function encode(name: string): string {
  return /^\.{1,2}$/.test(name) ? name.replaceAll('.', '%252E') : encodeURIComponent(name);
}

export const restPaths = {
  root,
  apply: `${root}/apply`,
  explain: `${root}/explain`,
  schema: (plural: string): string => `${root}/schema/${encode(plural)}`,
  revisionStatus: (revision: number | string): string =>
    `${root}/revisions/${encode(String(revision))}/status`,
  nodeConfigDump: (node: string): string => `${root}/nodes/${encode(node)}/configDump`,
  nodeDrain: (node: string): string => `${root}/nodes/${encode(node)}/drain`,
  nodeRestartWorkers: (node: string): string => `${root}/nodes/${encode(node)}/restartWorkers`,
  serviceEndpoints: (namespace: string, service: string): string =>
    `${root}/namespaces/${encode(namespace)}/services/${encode(service)}/endpoints`,
  serviceLoad: (namespace: string, service: string): string =>
    `${root}/namespaces/${encode(namespace)}/services/${encode(service)}/load`,
  serviceOpenapi: (namespace: string, service: string): string =>
    `${root}/namespaces/${encode(namespace)}/services/${encode(service)}/openapi.json`,
  serviceResetBreaker: (namespace: string, service: string): string =>
    `${root}/namespaces/${encode(namespace)}/services/${encode(service)}/resetBreaker`,
  consumerKeys: (namespace: string, consumer: string): string =>
    `${root}/namespaces/${encode(namespace)}/consumers/${encode(consumer)}/keys`,
  consumerKey: (namespace: string, consumer: string, key: string): string =>
    `${root}/namespaces/${encode(namespace)}/consumers/${encode(consumer)}/keys/${encode(key)}`,
  rotateConsumerKey: (namespace: string, consumer: string, key: string): string =>
    `${root}/namespaces/${encode(namespace)}/consumers/${encode(consumer)}/keys/${encode(key)}/rotate`,
  descriptorSetRefresh: (namespace: string, set: string): string =>
    `${root}/namespaces/${encode(namespace)}/descriptorsets/${encode(set)}/refresh`,
  routePurgeCache: (namespace: string, route: string): string =>
    `${root}/namespaces/${encode(namespace)}/routes/${encode(route)}/purgeCache`,
  rotateKeys: (purpose: string): string => `${root}/keys/${encode(purpose)}/rotate`,
  openapi: '/openapi.json',
  docs: '/docs',
  version: '/version',
  livez: '/livez',
  readyz: '/readyz',
  metrics: '/metrics',
} as const;

/** Collection of a kind: in one namespace, or over all of them when none is given. */
export function collectionPath(kind: Pick<Kind, 'plural' | 'namespaced'>, namespace?: string): string {
  return kind.namespaced && namespace !== undefined
    ? `${root}/namespaces/${encode(namespace)}/${kind.plural}`
    : `${root}/${kind.plural}`;
}

/** One object; `namespace` is needed for namespaced kinds and ignored for others. */
export function objectPath(
  kind: Pick<Kind, 'plural' | 'namespaced'>,
  namespace: string | undefined,
  name: string,
): string {
  return `${collectionPath(kind, kind.namespaced ? namespace : undefined)}/${encode(name)}`;
}

/** Media types of request bodies and answers. */
export const mediaTypes = {
  json: 'application/json',
  yaml: 'application/yaml',
  problem: 'application/problem+json',
  mergePatch: 'application/merge-patch+json',
  jsonPatch: 'application/json-patch+json',
  ndjson: 'application/x-ndjson',
} as const;

export const revisionHeader = 'causeway-revision';
export const messageHeader = 'causeway-message';

/** Largest bodies that the admin API takes, in bytes. */
export const applyBytesMax = 16 * 1024 * 1024;
export const objectBytesMax = 1024 * 1024;
/** A DescriptorSet has up to 8 MiB of bytes, in base64. */
export function objectBytesMaxOf(kind: unknown): number {
  return kind === 'DescriptorSet' ? 12 * objectBytesMax : objectBytesMax;
}
export const listLimitDefault = 500;
export const listLimitMax = 5000;
