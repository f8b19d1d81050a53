import type { StoredResource } from '@causeway/model/resource';
import { resourceKey } from '@causeway/model/resource';
import type { Clock } from '@causeway/runtime/clock';
import { messageOf, systemCodeOf } from '@causeway/runtime/errors';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { migrate, schemaVersion } from './migrations.ts';
import {
  type Change,
  type Commit,
  type CommittedChanges,
  type CommittedRevision,
  type KeyUseRecord,
  type RevisionRecord,
  type SealedKey,
  StaleBase,
  type Store,
  StoreError,
  type TokenRecord,
} from './store.ts';

interface ChangeRow {
  revision: number;
  kind: string;
  namespace: string;
  name: string;
  op: 'create' | 'update' | 'delete';
  body: string | null;
}

interface RevisionRow {
  revision: number;
  committed_at: string;
  author: string;
  source: string;
  message: string;
  request_id: string;
}

/** SQLite in WAL mode with synchronous FULL: a commit is on disk before it is acknowledged. */
export class SqliteStore implements Store {
  readonly #database: Database;
  readonly #clock: Clock;

  private constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * Opens the database and checks it. An empty one is made unless `mayBeNew` is false: where there has been a store, an
   * empty file is a lost one, and what was compiled from it would empty every node. Throws {@link StoreError} naming the
   * file when it cannot be used.
   */
  static open(path: string, clock: Clock, { mayBeNew = true } = {}): SqliteStore {
    let database: Database | undefined;
    try {
      database = new SqliteDatabase(path);
      if (!mayBeNew && schemaVersion(database) === 0) throw new StoreError('unreadable', lostStore(path));
      database.pragma('journal_mode = WAL');
      database.pragma('synchronous = FULL');
      database.pragma('foreign_keys = ON');
      // A purged secret's pages are overwritten, not only unlinked.
      database.pragma('secure_delete = ON');
      const health = String(database.pragma('quick_check(1)', { simple: true })).replaceAll('\n', ' ');
      if (health !== 'ok')
        throw new StoreError('unreadable', `${path} is damaged: ${health}; restore a backup of it`);
      migrate(database);
      return new SqliteStore(database, clock);
    } catch (error) {
      database?.close();
      if (error instanceof StoreError) throw error;
      throw new StoreError(
        'unreadable',
        `${path} cannot be opened: ${messageOf(error)}; restore a backup of it`,
        error,
      );
    }
  }

  async commit(commit: Commit): Promise<CommittedRevision> {
    const committedAt = new Date(this.#clock.wallMs()).toISOString();
    const run = this.#database.transaction((): CommittedRevision => {
      const moved = this.#database
        .prepare('UPDATE revision_counter SET revision = revision + 1 WHERE id = 1 AND revision = ?')
        .run(commit.baseRevision);
      if (moved.changes === 0) throw new StaleBase(`revision ${commit.baseRevision} is not the newest`);
      const revision = commit.baseRevision + 1;
      this.#writeHistory(revision, committedAt, commit);
      this.#writeSecrets(commit);
      return { revision, committedAt };
    });
    const committed = translated(() => run.immediate());
    if (commit.purgedSecrets.length > 0) this.#forgetWrittenPages();
    return committed;
  }

  /** The write-ahead log still has the pages as they were before a purge: writes it back and empties it. */
  #forgetWrittenPages(): void {
    try {
      this.#database.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // The commit stands; the next checkpoint that finds room empties the log.
    }
  }

  #writeHistory(revision: number, committedAt: string, commit: Commit): void {
    this.#database
      .prepare(
        'INSERT INTO revisions (revision, committed_at, author, source, message, request_id) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(revision, committedAt, commit.author, commit.source, commit.message, commit.requestId);
    const insert = this.#database.prepare(
      'INSERT INTO changes (revision, sequence, kind, namespace, name, op, body) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    for (const [sequence, change] of commit.changes.entries()) {
      const { kind, namespace, name } =
        change.op === 'put'
          ? identityRow(change.resource)
          : { ...change.identity, namespace: change.identity.namespace ?? '' };
      const op = change.op === 'delete' ? 'delete' : change.created ? 'create' : 'update';
      insert.run(
        revision,
        sequence,
        kind,
        namespace,
        name,
        op,
        change.op === 'put' ? JSON.stringify(change.resource) : null,
      );
    }
  }

  #writeSecrets(commit: Commit): void {
    const insert = this.#database.prepare('INSERT INTO secrets (ref, sealed) VALUES (?, ?)');
    for (const { ref, sealed } of commit.secrets) insert.run(ref, sealed);
    const purge = this.#database.prepare('DELETE FROM secrets WHERE ref = ?');
    for (const ref of commit.purgedSecrets) purge.run(ref);
  }

  async currentRevision(): Promise<number> {
    const row = this.#database
      .prepare<[], { revision: number }>('SELECT revision FROM revision_counter WHERE id = 1')
      .get();
    return row?.revision ?? 0;
  }

  async changesSince(revision: number): Promise<{ revision: number; commits: CommittedChanges[] }> {
    // One transaction, so that the counter and the rows are of one moment even with other writers on the database.
    return this.#database.transaction(() => {
      const rows = this.#database
        .prepare<[number], ChangeRow & { committed_at: string }>(
          'SELECT c.*, r.committed_at FROM changes c JOIN revisions r USING (revision) WHERE c.revision > ? ORDER BY c.revision, c.sequence',
        )
        .all(revision);
      const commits: CommittedChanges[] = [];
      for (const row of rows) {
        let commit = commits.at(-1);
        if (commit?.revision !== row.revision) {
          commit = { revision: row.revision, committedAt: row.committed_at, changes: [] };
          commits.push(commit);
        }
        commit.changes.push(changeOf(row));
      }
      return { revision: commits.at(-1)?.revision ?? revision, commits };
    })();
  }

  async at(revision: number): Promise<{ resource: StoredResource; committedAt: string }[]> {
    const rows = this.#database
      .prepare<[number], { body: string | null; committed_at: string }>(
        `SELECT c.body, r.committed_at FROM changes c
         JOIN (SELECT kind, namespace, name, MAX(revision) AS revision FROM changes WHERE revision <= ? GROUP BY kind, namespace, name) latest
           USING (kind, namespace, name, revision)
         JOIN revisions r USING (revision)
         WHERE c.body IS NOT NULL`,
      )
      .all(revision);
    return rows.map((row) => ({
      resource: JSON.parse(row.body!) as StoredResource,
      committedAt: row.committed_at,
    }));
  }

  async revisions(options: { limit: number; before?: number }): Promise<RevisionRecord[]> {
    const rows = this.#database
      .prepare<[number, number], RevisionRow>(
        'SELECT * FROM revisions WHERE revision < ? ORDER BY revision DESC LIMIT ?',
      )
      .all(options.before ?? Number.MAX_SAFE_INTEGER, options.limit);
    return rows.map((row) => this.#recordOf(row));
  }

  async revision(revision: number): Promise<RevisionRecord | undefined> {
    const row = this.#database
      .prepare<[number], RevisionRow>('SELECT * FROM revisions WHERE revision = ?')
      .get(revision);
    return row && this.#recordOf(row);
  }

  #recordOf(row: RevisionRow): RevisionRecord {
    const changes = this.#database
      .prepare<[number], ChangeRow>(
        'SELECT revision, kind, namespace, name, op, NULL AS body FROM changes WHERE revision = ? ORDER BY sequence',
      )
      .all(row.revision);
    return {
      revision: row.revision,
      committedAt: row.committed_at,
      author: row.author,
      source: row.source,
      message: row.message,
      requestId: row.request_id,
      changes: changes.map((change) => ({ resource: resourceKey(identityOfRow(change)), op: change.op })),
    };
  }

  async secret(ref: string): Promise<Uint8Array | undefined> {
    return this.#database
      .prepare<[string], { sealed: Buffer }>('SELECT sealed FROM secrets WHERE ref = ?')
      .get(ref)?.sealed;
  }

  async keys(): Promise<SealedKey[]> {
    return this.#database
      .prepare<[], { purpose: string; slot: SealedKey['slot']; created_at: string; sealed: Buffer }>(
        'SELECT * FROM keyring',
      )
      .all()
      .map((row) => ({
        purpose: row.purpose,
        slot: row.slot,
        createdAt: row.created_at,
        sealed: row.sealed,
      }));
  }

  async putKey(key: SealedKey): Promise<void> {
    translated(() =>
      this.#database
        .prepare('INSERT OR REPLACE INTO keyring (purpose, slot, created_at, sealed) VALUES (?, ?, ?, ?)')
        .run(key.purpose, key.slot, key.createdAt, key.sealed),
    );
  }

  async keyUses(): Promise<KeyUseRecord[]> {
    return this.#database.prepare<[], KeyUseRecord>('SELECT hash, used_at AS usedAt FROM key_uses').all();
  }

  async writeKeyUses(put: readonly KeyUseRecord[], removed: readonly string[]): Promise<void> {
    const insert = this.#database.prepare('INSERT OR REPLACE INTO key_uses (hash, used_at) VALUES (?, ?)');
    const remove = this.#database.prepare('DELETE FROM key_uses WHERE hash = ?');
    const write = this.#database.transaction(() => {
      for (const { hash, usedAt } of put) insert.run(hash, usedAt);
      for (const hash of removed) remove.run(hash);
    });
    translated(() => write.immediate());
  }

  async tokens(): Promise<TokenRecord[]> {
    return this.#database
      .prepare<[], { name: string; role: TokenRecord['role']; sha256: Buffer; created_at: string }>(
        'SELECT * FROM tokens',
      )
      .all()
      .map((row) => ({ name: row.name, role: row.role, sha256: row.sha256, createdAt: row.created_at }));
  }

  async putToken(token: TokenRecord): Promise<void> {
    translated(() =>
      this.#database
        .prepare('INSERT OR REPLACE INTO tokens (name, role, sha256, created_at) VALUES (?, ?, ?, ?)')
        .run(token.name, token.role, token.sha256, token.createdAt),
    );
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}

function identityRow(resource: StoredResource): { kind: string; namespace: string; name: string } {
  return { kind: resource.kind, namespace: resource.metadata.namespace ?? '', name: resource.metadata.name };
}

function identityOfRow(row: ChangeRow): { kind: string; namespace: string | undefined; name: string } {
  return { kind: row.kind, namespace: row.namespace === '' ? undefined : row.namespace, name: row.name };
}

function changeOf(row: ChangeRow): Change {
  if (row.body === null) return { op: 'delete', identity: identityOfRow(row) };
  return { op: 'put', resource: JSON.parse(row.body) as StoredResource, created: row.op === 'create' };
}

function lostStore(path: string): string {
  return `${path} is missing or empty, but this data directory has been in use: restore a backup of it, or choose another --data-dir to begin anew`;
}

/** Runs a write and turns SQLite's disk errors into a {@link StoreError}. */
function translated<T>(write: () => T): T {
  try {
    return write();
  } catch (error) {
    const code = systemCodeOf(error) ?? '';
    if (code === 'SQLITE_FULL' || fullDiskCodes.has(code)) {
      throw new StoreError(
        'storage_full',
        'the disk of the data directory is full: free space and try again',
        error,
      );
    }
    if (/^SQLITE_(CORRUPT|NOTADB|IOERR)/.test(code))
      throw new StoreError('unreadable', `the database cannot be used: ${messageOf(error)}`, error);
    throw error;
  }
}

/** What SQLite says when a file cannot grow, besides SQLITE_FULL: a quota or a limit on file sizes looks like this. */
const fullDiskCodes: ReadonlySet<string> = new Set(['SQLITE_IOERR_WRITE', 'SQLITE_IOERR_SHMSIZE']);
