import { resourceKey } from '@causeway/model/resource';
import type { Clock } from '@causeway/runtime/clock';
import type { ListenAddress } from '@causeway/runtime/listen-address';
import type { Logger } from '@causeway/runtime/logger';
import type { StatusPages } from '@causeway/runtime/status-pages';
import type { AffinityKeyring, LoginKeyring } from '../publish/cookie-keys.ts';
import type { CommandChannels } from '../publish/command-channel.ts';
import type { NodeRegistry } from '../publish/node-registry.ts';
import type { Publisher } from '../publish/publisher.ts';
import { implicitGateway } from '../store/implicit-gateway.ts';
import type { CredentialHashes } from '../store/credential-hashes.ts';
import type { Keyring } from '../store/keyring.ts';
import type { Entry, ResourceIndex } from '../store/resource-index.ts';
import type { ReadSecret } from '../store/secret-values.ts';
import type { Store } from '../store/store.ts';
import type { Tokens } from '../tokens.ts';
import type { SignatureIndex } from '../validate/signature-index.ts';
import type { WritePath } from '../write-path.ts';
import { ApiError } from './api-error.ts';

/** What the handlers of the admin API work with. */
export interface ApiContext {
  store: Store;
  index: ResourceIndex;
  signatures: SignatureIndex;
  keyring: Keyring;
  hashes: CredentialHashes;
  nodes: NodeRegistry;
  commands: CommandChannels;
  publisher: Publisher;
  affinity: AffinityKeyring;
  logins: LoginKeyring;
  tokens: Tokens;
  writePath: WritePath;
  readSecret: ReadSecret;
  /** The control plane's own listeners. */
  ownAddresses: readonly ListenAddress[];
  clock: Clock;
  logger: Logger;
  statusPages: StatusPages;
  version: string;
}

/** A current object, the Gateway that exists without being written included. */
export function currentEntry({ index }: ApiContext, key: string): Entry | undefined {
  return index.get(key) ?? (key === implicitGateway.key ? implicitGateway : undefined);
}

/** Throws the API's answer when there is none. */
export function existingService(context: ApiContext, namespace: string, name: string): Entry {
  const entry = currentEntry(context, resourceKey({ kind: 'Service', namespace, name }));
  if (!entry) throw new ApiError('not_found', `service/${namespace}/${name} does not exist`);
  return entry;
}

export function currentEntries({ index }: ApiContext, kind: string): Entry[] {
  const entries = [...index.entriesOf(kind)];
  return kind === 'Gateway' ? withImplicitGateway(entries) : entries;
}

/** Gateways with the one that exists without being written, unless it was written. */
export function withImplicitGateway(gateways: Entry[]): Entry[] {
  return gateways.some(({ key }) => key === implicitGateway.key) ? gateways : [...gateways, implicitGateway];
}
