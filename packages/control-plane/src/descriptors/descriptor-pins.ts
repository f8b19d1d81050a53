/** DescriptorSets that are read from a Service: once, until it succeeds; then they are pinned. */

import type { DescriptorSetSpec } from '@causeway/model/kinds/descriptor-set';
import { identityOf, type PinnedDescriptors } from '@causeway/model/resource';
import { messageOf } from '@causeway/runtime/errors';
import type { Clock } from '@causeway/runtime/clock';
import type { Logger } from '@causeway/runtime/logger';
import type { Entry, ResourceIndex } from '../store/resource-index.ts';
import type { ReadSecret } from '../store/secret-values.ts';
import type { ListenAddress } from '@causeway/runtime/listen-address';
import type { WritePath } from '../write-path.ts';
import { DescriptorFault } from './descriptor-files.ts';
import { readService } from './read-service.ts';

export interface DescriptorPinsOptions {
  readonly index: ResourceIndex;
  readonly readSecret: ReadSecret;
  readonly writePath: WritePath;
  readonly ownAddresses: readonly ListenAddress[];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Between tries; twice as long after each, up to the longest. */
const retryMsMin = 1000;
const retryMsMax = 60_000;

/** Why reading has failed last, beside what was to be read. */
const failures = new WeakMap<Entry, string>();

export function readingFailure(entry: Entry): string | undefined {
  return failures.get(entry);
}

export class DescriptorPins {
  readonly #options: DescriptorPinsOptions;
  #retryMs = retryMsMin;
  #cancelRetry: () => void = () => {};
  #round: Promise<void> | undefined;
  #isAskedAgain = false;
  #isStopped = false;

  constructor(options: DescriptorPinsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.index.onRevision((_revision, _committedAt, changes) => {
      // A Service that was mended is worth asking at once.
      const kinds = changes.map(({ after }) => after?.resource.kind);
      if (kinds.some((kind) => kind === 'DescriptorSet' || kind === 'Service')) this.#look();
    });
    this.#look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelRetry();
    await this.#round;
  }

  #look(): void {
    if (this.#isStopped) return;
    this.#isAskedAgain = true;
    this.#round ??= this.#goRound().finally(() => {
      this.#round = undefined;
    });
  }

  /** One after the other: nobody waits for it. */
  async #goRound(): Promise<void> {
    this.#cancelRetry();
    let areAllRead = true;
    while (this.#isAskedAgain && !this.#isStopped) {
      this.#isAskedAgain = false;
      areAllRead = true;
      for (const set of this.#options.index.entriesOf('DescriptorSet')) {
        if (this.#isStopped || !isUnread(set)) continue;
        if (!(await this.#pin(set))) areAllRead = false;
      }
    }
    this.#retryMs = areAllRead ? retryMsMin : Math.min(retryMsMax, this.#retryMs * 2);
    if (!areAllRead && !this.#isStopped)
      this.#cancelRetry = this.#options.clock.after(this.#retryMs, () => this.#look());
  }

  async #pin(set: Entry): Promise<boolean> {
    const { index, logger } = this.#options;
    try {
      const bytes = await readService({ ...this.#options, resources: index }, set);
      await this.#write(set, bytes);
      return true;
    } catch (error) {
      if (!(error instanceof DescriptorFault))
        logger.error({ err: error, resource: set.key }, 'descriptors cannot be pinned');
      failures.set(set, messageOf(error));
      return false;
    }
  }

  async #write(set: Entry, bytes: Uint8Array): Promise<void> {
    const { writePath, clock } = this.#options;
    const service = (set.effective as DescriptorSetSpec).reflection!.service;
    const outcome = await writePath.write(
      (index) => ({
        documents: [],
        removals: [],
        // What was changed or pinned meanwhile is not what was read.
        ...(index.get(set.key) === set && {
          pin: { set: identityOf(set.resource), pinned: pinned(bytes, clock) },
        }),
      }),
      {
        author: 'control-plane',
        source: 'reflection',
        message: `descriptors read from service ${service}`,
        requestId: '',
        force: false,
        dryRun: false,
      },
    );
    if (outcome.refused)
      throw new DescriptorFault(outcome.problems[0]?.detail ?? 'the descriptors are not taken');
  }
}

export function pinned(bytes: Uint8Array, clock: Clock): PinnedDescriptors {
  return { data: Buffer.from(bytes).toString('base64'), at: new Date(clock.wallMs()).toISOString() };
}

function isUnread({ effective, resource }: Entry): boolean {
  return (effective as DescriptorSetSpec).reflection !== undefined && resource.pinned === undefined;
}
