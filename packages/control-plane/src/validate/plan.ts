import type { ApiProblem, ApplyOutcome } from '@causeway/model/api-types';
import type { Reference } from '@causeway/model/kinds/kind';
import type { Problem } from '@causeway/model/problem';
import type { Identity, Manifest, PinnedDescriptors, StoredResource } from '@causeway/model/resource';
import type { ServerKey } from '@causeway/model/server-keys';
import type { Change } from '../store/store.ts';

/** What a request wants to be true, before anything is looked up. */
export interface PlanInput {
  documents: readonly PlannedDocument[];
  /** Documents that do not validate: the request will be refused, but references are still told about. */
  broken?: readonly BrokenDocument[];
  removals: readonly Identity[];
  /** All keys that the control plane has made for a Consumer, which exists, from then on. */
  serverKeys?: { consumer: Identity; keys: readonly ServerKey[] };
  /** What a DescriptorSet, which exists, has from then on. */
  pin?: { set: Identity; pinned: PinnedDescriptors };
}

export interface BrokenDocument {
  document: number;
  problems: readonly Problem[];
  /** As far as the document names itself and what it refers to. */
  manifest: Pick<Manifest, 'kind' | 'metadata'> | undefined;
  references: readonly Reference[];
}

export interface PlannedDocument {
  /** Index of the document in the request. */
  document: number;
  manifest: Manifest;
}

/** What a request will do: the changes of one revision, or every reason why it must not. */
export type Plan = PlanRefused | PlanMade;

export interface PlanRefused {
  refused: 'invalid' | 'conflict' | 'referenced' | 'mass_deletion' | 'not_found';
  problems: ApiProblem[];
}

export interface PlanMade {
  refused?: never;
  changes: Change[];
  /** Secrets that the changes bring (plain, to be sealed) and those whose ciphertext goes. */
  secrets: { ref: string; value: string }[];
  purgedSecrets: string[];
  objects: PlannedObject[];
  warnings: string[];
}

export interface PlannedObject {
  document?: number;
  key: string;
  outcome: ApplyOutcome;
  /** As it will be stored, or as it was before its deletion. */
  resource: StoredResource;
}
