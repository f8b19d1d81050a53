/** The example that a first start applies, pointed at the demo upstreams that really run. */

import { readFile } from 'node:fs/promises';

import type { ListenAddress } from '@causeway/runtime/listen-address';
import { parseAllDocuments } from 'yaml';

const exampleFile = new URL('../../../deploy/examples/hello.yaml', import.meta.url);

/** The part of the admin client that is needed here. */
export interface DemoStore {
  list(plural: string, options: { readonly limit: number }): Promise<{ readonly items: readonly unknown[] }>;
  apply(yaml: string, options: { readonly message: string }): Promise<unknown>;
}

/**
 * Applies the example when the store holds neither a Route nor a Service: what anybody has made, or removed, stays.
 * Resolves with whether it did.
 */
export async function applyDemoConfiguration(
  store: DemoStore,
  upstreams: readonly ListenAddress[],
): Promise<boolean> {
  for (const plural of ['routes', 'services']) {
    const { items } = await store.list(plural, { limit: 1 });
    if (items.length > 0) return false;
  }
  const example = await readFile(exampleFile, 'utf8');
  await store.apply(withEndpoints(example, upstreams), { message: 'example of causeway up --demo' });
  return true;
}

/** The same documents, comments kept, each Service with these endpoints. */
export function withEndpoints(yaml: string, upstreams: readonly ListenAddress[]): string {
  const documents = parseAllDocuments(yaml);
  for (const document of documents) {
    if (document.get('kind') !== 'Service') continue;
    const endpoints = upstreams.map(({ host, port }) => ({ address: host, port }));
    document.setIn(['spec', 'endpoints'], document.createNode(endpoints));
  }
  return documents.map(String).join('');
}
