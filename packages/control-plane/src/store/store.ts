import type { Identity, StoredResource } from '@causeway/model/resource';
import { GatewayError } from '@causeway/runtime/errors';

/**
 * What the control plane needs of its database. Async from the start, so that a store on another machine fits; no
 * transaction crosses an await. A revision is one committed transaction that changed something.
 */
export interface Store {
  /**
   * Commits all changes as one revision, `baseRevision + 1`, durably: when the promise resolves the write survives a
   * killed process. Throws {@link StaleBase} when the store has moved on (nothing is written; plan anew), and
   * `StoreError` with code `storage_full` when the disk is full.
   */
  commit(commit: Commit): Promise<CommittedRevision>;
  currentRevision(): Promise<number>;
  /** Changes after `revision`, oldest first, and the revision that they lead to. */
  changesSince(revision: number): Promise<{ revision: number; commits: CommittedChanges[] }>;
  /** The whole configuration as it was at a revision; secret values are references. */
  at(revision: number): Promise<{ resource: StoredResource; committedAt: string }[]>;
  /** Newest first, beginning below `before` when given. */
  revisions(options: { limit: number; before?: number }): Promise<RevisionRecord[]>;
  revision(revision: number): Promise<RevisionRecord | undefined>;
  /** Sealed bytes of a secret; undefined when it was purged. */
  secret(ref: string): Promise<Uint8Array | undefined>;
  keys(): Promise<SealedKey[]>;
  putKey(key: SealedKey): Promise<void>;
  /** When keys that the control plane made were used last. */
  keyUses(): Promise<KeyUseRecord[]>;
  /** Adds and replaces some, and forgets others, by hash. */
  writeKeyUses(put: readonly KeyUseRecord[], removed: readonly string[]): Promise<void>;
  tokens(): Promise<TokenRecord[]>;
  putToken(token: TokenRecord): Promise<void>;
  close(): Promise<void>;
}

/** `resource` holds its final metadata: resourceVersion is the revision of the commit that brings it. */
export type Change =
  | { op: 'put'; resource: StoredResource; created: boolean }
  | { op: 'delete'; identity: Identity };

export interface Commit {
  baseRevision: number;
  author: string;
  source: string;
  message: string;
  requestId: string;
  changes: readonly Change[];
  /** Sealed secrets to add under new references. */
  secrets: readonly { ref: string; sealed: Uint8Array }[];
  /** References whose ciphertext is deleted, so that neither history nor undo can bring the secret back. */
  purgedSecrets: readonly string[];
}

export interface CommittedRevision {
  revision: number;
  /** RFC 3339, UTC. */
  committedAt: string;
}

export interface CommittedChanges extends CommittedRevision {
  changes: Change[];
}

export interface RevisionRecord extends CommittedRevision {
  author: string;
  source: string;
  message: string;
  requestId: string;
  changes: { resource: string; op: 'create' | 'update' | 'delete' }[];
}

export interface SealedKey {
  purpose: string;
  slot: 'current' | 'previous';
  createdAt: string;
  sealed: Uint8Array;
}

export interface TokenRecord {
  name: string;
  /** `admin` opens the admin API, `node` the config stream. */
  role: 'admin' | 'node';
  /** SHA-256 of the token; the token itself is never stored. */
  sha256: Uint8Array;
  createdAt: string;
}

export interface KeyUseRecord {
  /** Of the key, as its Consumer holds it. */
  hash: string;
  /** RFC 3339, UTC. */
  usedAt: string;
}

/** Somebody else committed first: the plan was made against an older revision. */
export class StaleBase extends Error {
  override readonly name = 'StaleBase';
}

export type StoreErrorCode = 'storage_full' | 'unreadable' | 'newer_schema' | 'wrong_key';

/** The database cannot do its work; `code` says which way. */
export class StoreError extends GatewayError {
  override readonly name = 'StoreError';
  declare readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, cause?: unknown) {
    super({
      code,
      message,
      httpStatus: code === 'storage_full' ? 507 : 503,
      grpcStatus: code === 'storage_full' ? 8 : 14,
      cause,
    });
  }
}
