import type { ApiSpecSpec } from '@causeway/model/kinds/api-spec';
import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import type { Clock } from '@causeway/runtime/clock';
import type { ListenAddress } from '@causeway/runtime/listen-address';
import { sliceWork } from '@causeway/runtime/work-slices';
import { secretContext, secretReader } from './store/open-secret.ts';
import type { ResourceIndex } from './store/resource-index.ts';
import type { CredentialHashes } from './store/credential-hashes.ts';
import type { Keyring } from './store/keyring.ts';
import { secretReference } from './store/secret-values.ts';
import type { Sealer } from './store/sealer.ts';
import {
  type CommittedRevision,
  StaleBase,
  type Store,
  StoreError,
  type StoreErrorCode,
} from './store/store.ts';
import { checkApiSpecInSteps } from './validate/check-schemas.ts';
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

/** What is wanted. */
export interface WriteRequest extends PlanInput {
  /** What else must hold, once the request is known to be valid; refuses by throwing. */
  precondition?: () => void;
}

/** `committed` is absent for a dry run and when nothing changed; `current` is the newest revision. */
export type WriteOutcome =
  | PlanRefused
  | (PlanMade & { committed: CommittedRevision | undefined; current: number });

export interface WritePathOptions {
  store: Store;
  index: ResourceIndex;
  signatures: SignatureIndex;
  keyring: Keyring;
  hashes: CredentialHashes;
  sealer: Sealer;
  clock: Clock;
  /** The control plane's own listeners; may still grow while it starts. */
  ownAddresses: readonly ListenAddress[];
}

/** Another control plane on the same store can win a race a few times in a row, but not forever. */
const staleTriesMax = 10;

/**
 * The one way in which configuration changes: plan against the current revision, commit, follow. Writes take turns, so
 * each is planned against what the one before it left; a base that another control plane has moved is planned anew. So
 * no write is lost and none is based on what is no longer so.
 */
export class WritePath {
  readonly #options: WritePathOptions;
  #lastTurn: Promise<unknown> = Promise.resolve();
  #storageFault: StoreErrorCode | undefined;

  constructor(options: WritePathOptions) {
    this.#options = options;
  }

  /** Why the last commit failed, until one succeeds. */
  get storageFault(): StoreErrorCode | undefined {
    return this.#storageFault;
  }

  /** `prepare` sees the current configuration, perhaps more than once, and gives what is wanted, or refuses by throwing. */
  write(prepare: (index: ResourceIndex) => WriteRequest, context: WriteContext): Promise<WriteOutcome> {
    const turn = this.#lastTurn.then(() => this.#write(prepare, context));
    // Whoever comes next does not care how this one ended.
    this.#lastTurn = turn.catch(() => {});
    return turn;
  }

  async #write(
    prepare: (index: ResourceIndex) => WriteRequest,
    context: WriteContext,
  ): Promise<WriteOutcome> {
    const { index } = this.#options;
    let isChecked = false;
    for (let attempt = 1; ; attempt++) {
      // Another control plane may have written: nothing is refused for what is no longer so.
      await index.follow();
      const base = index.revision;
      const request = prepare(index);
      const specs = isChecked ? [] : request.documents.filter(({ manifest }) => manifest.kind === 'ApiSpec');
      isChecked = true;
      if (specs.length > 0) {
        // Planning finds it done: it would hold up whoever else asks for something.
        for (const { manifest } of specs) await sliceWork(checkApiSpecInSteps(manifest.spec as ApiSpecSpec));
        continue;
      }
      const plan = this.#plan(request, base + 1, context);
      if (plan.refused === 'invalid' || plan.refused === 'not_found') return plan;
      request.precondition?.();
      if (plan.refused) return plan;
      if (context.dryRun || plan.changes.length === 0)
        return { ...plan, committed: undefined, current: base };
      try {
        const committed = await this.#commit(plan, base, context);
        await index.follow();
        return { ...plan, committed, current: committed.revision };
      } catch (error) {
        if (!(error instanceof StaleBase) || attempt === staleTriesMax) throw error;
      }
    }
  }

  #plan(input: PlanInput, revision: number, context: WriteContext): Plan {
    const { index, keyring, sealer, signatures, clock, ownAddresses } = this.#options;
    return planChanges(index, input, {
      revision,
      now: new Date(clock.wallMs()).toISOString(),
      force: context.force,
      digest: (value) => `hmac-sha256:${Buffer.from(keyring.sign('secret-digest', value)).toString('hex')}`,
      readSecret: secretReader(index, sealer),
      signatures,
      ownAddresses,
    });
  }

  async #commit(plan: PlanMade, baseRevision: number, context: WriteContext): Promise<CommittedRevision> {
    const { store, sealer, hashes } = this.#options;
    await hashes.prepare(newPasswords(plan));
    const secrets = plan.secrets.map(({ ref, value }) => ({
      ref,
      sealed: sealer.seal(Buffer.from(value), secretContext(ref)),
    }));
    const { changes, purgedSecrets } = plan;
    try {
      const committed = await store.commit({ changes, secrets, purgedSecrets, baseRevision, ...context });
      this.#storageFault = undefined;
      return committed;
    } catch (error) {
      if (error instanceof StoreError) this.#storageFault = error.code;
      throw error;
    }
  }
}

/** Passwords that Consumers bring: publishing them must not take the time that they need. */
function newPasswords({ changes, secrets }: PlanMade): { ref: string; text: string }[] {
  const refs = new Set(
    changes.flatMap((change) =>
      change.op === 'put' && change.resource.kind === 'Consumer'
        ? entriesOf(change.resource.spec, 'passwords').map(
            (entry) => secretReference(fieldOf(entry, 'password'))?.secretRef,
          )
        : [],
    ),
  );
  return secrets.filter(({ ref }) => refs.has(ref)).map(({ ref, value }) => ({ ref, text: value }));
}
