import type { Clock } from '@causeway/runtime/clock';
import type { ResourceIndex } from './store/resource-index.ts';
import type { Keyring } from './store/keyring.ts';
import type { Sealer } from './store/sealer.ts';
import { StaleBase, type Store } from './store/store.ts';
import type { Plan, PlanInput, PlanMade, PlanRefused } from './validate/plan.ts';
import { planChanges } from './validate/plan-changes.ts';
import type { SignatureIndex } from './validate/signature-index.ts';

/** Who writes, and how it is recorded in the revision. */
export interface WriteContext {
  author: string;
  source: string;
  message: string;
  requestId: string;
  force: boolean;
  dryRun: boolean;
}

/** `revision` is the committed one, undefined for a dry run or when nothing changed; `current` is the newest. */
export type WriteOutcome = PlanRefused | (PlanMade & { revision: number | undefined; current: number });

export interface WritePathOptions {
  store: Store;
  index: ResourceIndex;
  signatures: SignatureIndex;
  keyring: Keyring;
  sealer: Sealer;
  clock: Clock;
  ownAddresses: () => readonly string[];
}

/** Another control plane on the same store can win a race a few times in a row, but not forever. */
const staleTriesMax = 10;

/**
 * The one way in which configuration changes: plan against the current revision, commit, follow. A base that moved
 * meanwhile is planned anew, so no write is lost and none is based on what is no longer so.
 */
export class WritePath {
  readonly #options: WritePathOptions;

  constructor(options: WritePathOptions) {
    this.#options = options;
  }

  /** `prepare` sees the current configuration and gives what is wanted, or refuses by throwing. */
  async write(prepare: (index: ResourceIndex) => PlanInput, context: WriteContext): Promise<WriteOutcome> {
    const { index, store } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const base = index.revision;
      const plan = this.#plan(prepare(index), base + 1, context);
      if (plan.refused) return plan;
      if (context.dryRun || plan.changes.length === 0) return { ...plan, revision: undefined, current: base };
      try {
        const { revision } = await store.commit({ ...this.#sealed(plan), baseRevision: base, ...context });
        await index.follow();
        return { ...plan, revision, current: revision };
      } catch (error) {
        if (!(error instanceof StaleBase) || attempt === staleTriesMax) throw error;
        await index.follow();
      }
    }
  }

  #plan(input: PlanInput, revision: number, context: WriteContext): Plan {
    const { index, keyring, signatures, clock, ownAddresses } = this.#options;
    return planChanges(index, input, {
      revision,
      now: new Date(clock.wallMs()).toISOString(),
      force: context.force,
      digest: (value) => `hmac-sha256:${Buffer.from(keyring.sign('secret-digest', value)).toString('hex')}`,
      signatures,
      ownAddresses: ownAddresses(),
    });
  }

  #sealed(plan: PlanMade) {
    const { sealer } = this.#options;
    return {
      changes: plan.changes,
      secrets: plan.secrets.map(({ ref, value }) => ({
        ref,
        sealed: sealer.seal(Buffer.from(value), `secret/${ref}`),
      })),
      purgedSecrets: plan.purgedSecrets,
    };
  }
}
