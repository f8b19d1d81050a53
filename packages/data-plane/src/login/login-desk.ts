/** Asks the providers at which users log in, on the main thread for all workers: it alone knows who else asks the same. */

import type { ProviderAnswer, ProviderQuestion } from '@causeway/filters/oidc/provider';
import { decodeItem, isDecodeFailure } from '@causeway/proto/compiled';
import type { CompiledAuthProvider } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { Clock } from '@causeway/runtime/clock';
import type { Logger } from '@causeway/runtime/logger';

import type { SnapshotUpdate } from '../sync/snapshot-target.ts';
import type { AskLimits } from '../upstream/ask-url.ts';
import { ProviderClient } from './provider-client.ts';

export interface LoginDeskOptions extends Pick<AskLimits, 'resolver' | 'ownPorts'> {
  readonly clock: Clock;
  readonly logger: Logger;
}

const unavailable: ProviderAnswer = { fault: 'unavailable' };

export class LoginDesk {
  readonly #options: LoginDeskOptions;
  readonly #clients = new Map<string, ProviderClient>();
  #items: SnapshotUpdate['items'] | undefined;

  constructor(options: LoginDeskOptions) {
    this.#options = options;
  }

  /** Before workers build the update. */
  prepare({ items, changed, removedKeys }: SnapshotUpdate): void {
    this.#items = items;
    for (const key of removedKeys)
      if (key.startsWith('authprovider/')) this.#follow(key.slice('authprovider/'.length), undefined);
    for (const { kind, value } of changed) if (kind === 'authprovider') this.#follow(value.name, value);
  }

  /** Never rejects. */
  async ask(question: ProviderQuestion): Promise<ProviderAnswer> {
    return (await this.#clients.get(question.provider)?.ask(question)) ?? unavailable;
  }

  stop(): void {
    for (const client of this.#clients.values()) client.stop();
  }

  #follow(name: string, provider: CompiledAuthProvider | undefined): void {
    this.#clients.get(name)?.stop();
    if (provider === undefined || provider.clientId === '') this.#clients.delete(name);
    else {
      const trust = (): string[] => this.#chainsOf(provider.refresh?.trust ?? []);
      this.#clients.set(name, new ProviderClient(provider, trust, this.#options));
    }
  }

  /** Throws without one of them: then nobody is to be trusted. */
  #chainsOf(names: readonly string[]): string[] {
    return names.map((name) => {
      const item = this.#items?.get(`certificate/${name}`);
      const decoded = item && decodeItem(item);
      if (decoded === undefined || isDecodeFailure(decoded) || decoded.kind !== 'certificate')
        throw new Error('a Certificate that is to be trusted is not there');
      return decoded.value.chain;
    });
  }
}
