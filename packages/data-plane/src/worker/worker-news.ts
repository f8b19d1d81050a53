/** What every worker is told when it starts, and again whenever it changes: keys of several kinds, staples, and how many descriptors there are. */

import type { LoginKeyPair } from '@causeway/filters/oidc/login-keys';
import { type EndedLogin, EndedLogins } from '@causeway/filters/oidc/login-services';
import type { ProviderAnswer, ProviderQuestion } from '@causeway/filters/oidc/provider';
import type { Clock } from '@causeway/runtime/clock';
import type { Logger } from '@causeway/runtime/logger';
import type { AddressResolver } from '@causeway/runtime/name-resolver';

import { KeptKeys } from '../keys/kept-keys.ts';
import { KeyKeeper } from '../keys/key-keeper.ts';
import { KeyUses } from '../keys/key-uses.ts';
import { askResponder } from '../listen/tls/ocsp/ask-responder.ts';
import { Stapler } from '../listen/tls/ocsp/stapler.ts';
import { newTicketKeys } from '../listen/tls/ticket-keys.ts';
import { LoginDesk } from '../login/login-desk.ts';
import type { SnapshotUpdate } from '../sync/snapshot-target.ts';
import { type AffinityKeyPair, newAffinityKeys } from '../upstream/balancing/affinity-keys.ts';
import type { OwnPorts } from '../upstream/address-guard.ts';
import type { WorkerSetup } from './worker-setup.ts';
import type { WorkerThread } from './worker-thread.ts';

export interface WorkerNewsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly resolver: AddressResolver;
  /** Nothing outside is asked that leads back to this process. */
  readonly ownPorts: OwnPorts;
  /** File for the keys of issuers; undefined = they are not kept. */
  readonly keptKeysPath: string | undefined;
}

export class WorkerNews {
  /** What workers tell of keys of Consumers. */
  readonly keyUses = new KeyUses();
  readonly #threads: ReadonlySet<WorkerThread>;
  readonly #stapler: Stapler;
  readonly #keys: KeyKeeper;
  readonly #logins: LoginDesk;
  #openFilesMax: number | undefined;
  #ticketKeys: Uint8Array = newTicketKeys();
  #affinityKeys = newAffinityKeys();
  #fellows = 1;
  #loginKeys: LoginKeyPair | undefined;
  readonly #endedLogins: EndedLogins;

  constructor(threads: ReadonlySet<WorkerThread>, options: WorkerNewsOptions) {
    const { clock, logger, resolver, ownPorts, keptKeysPath } = options;
    this.#threads = threads;
    this.#stapler = new Stapler({
      clock,
      logger,
      ask: (responder, question, signal) => askResponder(responder, question, { resolver, ownPorts, signal }),
      onChange: (change) => this.#tell((thread) => thread.tellStaple(change)),
    });
    this.#endedLogins = new EndedLogins(() => clock.wallMs());
    this.#logins = new LoginDesk({ clock, logger, resolver, ownPorts });
    this.#keys = new KeyKeeper({
      clock,
      logger,
      resolver,
      ownPorts,
      kept: keptKeysPath === undefined ? undefined : new KeptKeys(keptKeysPath, logger),
      onChange: (change) => this.#tell((thread) => thread.tellKeySet(change)),
    });
  }

  get forStart(): Pick<
    WorkerSetup,
    'ticketKeys' | 'affinityKeys' | 'loginKeys' | 'endedLogins' | 'fellows' | 'staples' | 'keySets'
  > {
    return {
      ticketKeys: this.#ticketKeys,
      affinityKeys: this.#affinityKeys,
      loginKeys: this.#loginKeys,
      endedLogins: this.#endedLogins.list(),
      fellows: this.#fellows,
      staples: this.#stapler.staples,
      keySets: this.#keys.keySets,
    };
  }

  /** For how many seconds each Certificate that is to have an OCSP staple has one; 0 = it has none. */
  get stapleExpiry(): { certificate: string; seconds: number }[] {
    return this.#stapler.expiry;
  }

  /** A worker has started. */
  welcome(thread: WorkerThread): void {
    thread.tellDescriptors(this.#openFilesMax);
  }

  /** Clients with a session ticket of before make a full handshake. */
  useTicketKeys(keys: Uint8Array): void {
    this.#ticketKeys = keys;
    this.#tell((thread) => thread.tellTicketKeys(keys));
  }

  /** Sessions that were signed with neither of them begin anew. */
  useAffinityKeys(keys: AffinityKeyPair): void {
    this.#affinityKeys = keys;
    this.#tell((thread) => thread.tellAffinityKeys(keys));
  }

  useFellows(nodes: number): void {
    if (nodes === this.#fellows) return;
    this.#fellows = nodes;
    this.#tell((thread) => thread.tellFellows(nodes));
  }

  useLoginKeys(keys: LoginKeyPair): void {
    this.#loginKeys = keys;
    this.#tell((thread) => thread.tellLoginKeys(keys));
  }

  limitDescriptors(openFilesMax: number | undefined): void {
    if (openFilesMax === this.#openFilesMax) return;
    this.#openFilesMax = openFilesMax;
    this.#tell((thread) => thread.tellDescriptors(openFilesMax));
  }

  /** Before workers build the update. */
  prepare(update: SnapshotUpdate): Promise<void> {
    this.#logins.prepare(update);
    return this.#keys.prepare(update);
  }

  /** The update is live. */
  follow(update: SnapshotUpdate): void {
    this.#stapler.follow(update);
  }

  refreshKeys(source: string): Promise<void> {
    return this.#keys.refresh(source);
  }

  askProvider(question: ProviderQuestion): Promise<ProviderAnswer> {
    return this.#logins.ask(question);
  }

  /** A user has logged out: no worker takes the session any more. */
  endLogin(ended: EndedLogin): void {
    this.#endedLogins.add(ended);
    this.#tell((thread) => thread.tellLoginEnded(ended));
  }

  stop(): void {
    this.#logins.stop();
    this.#stapler.stop();
    this.#keys.stop();
  }

  #tell(tell: (thread: WorkerThread) => void): void {
    for (const thread of this.#threads) tell(thread);
  }
}
