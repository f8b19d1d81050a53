import type { Database } from 'better-sqlite3';
import { StoreError } from './store.ts';

/** One step each, applied in order inside a transaction; the number of steps taken is SQLite's `user_version`. */
const migrations: readonly string[] = [
  `
  CREATE TABLE revision_counter (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL) STRICT;
  INSERT INTO revision_counter VALUES (1, 0);

  CREATE TABLE revisions (
    revision INTEGER PRIMARY KEY,
    committed_at TEXT NOT NULL,
    author TEXT NOT NULL,
    source TEXT NOT NULL,
    message TEXT NOT NULL,
    request_id TEXT NOT NULL
  ) STRICT;

  -- One row per changed object and revision; body is the object as it was from then on, NULL when it was deleted.
  -- Cluster-wide objects have the empty namespace.
  CREATE TABLE changes (
    revision INTEGER NOT NULL REFERENCES revisions (revision),
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    op TEXT NOT NULL CHECK (op IN ('create', 'update', 'delete')),
    body TEXT,
    PRIMARY KEY (revision, sequence)
  ) STRICT, WITHOUT ROWID;
  -- Unique, which also tells SQLite that each object's newest row is found by one search, however much changed at once.
  CREATE UNIQUE INDEX changes_of_object ON changes (kind, namespace, name, revision);
  CREATE TRIGGER changes_are_append_only BEFORE UPDATE ON changes
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
  CREATE TRIGGER revisions_are_append_only BEFORE UPDATE ON revisions
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
  CREATE TRIGGER changes_are_never_deleted BEFORE DELETE ON changes
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;
  CREATE TRIGGER revisions_are_never_deleted BEFORE DELETE ON revisions
    BEGIN SELECT RAISE(ABORT, 'history is append-only'); END;

  CREATE TABLE secrets (ref TEXT PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE keyring (
    purpose TEXT NOT NULL,
    slot TEXT NOT NULL CHECK (slot IN ('current', 'previous')),
    created_at TEXT NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (purpose, slot)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('admin', 'node')),
    sha256 BLOB NOT NULL,
    created_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE key_uses (hash TEXT PRIMARY KEY, used_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
];

/** Brings a database to this version's schema, or throws {@link StoreError} when it is from a newer version. */
export function migrate(database: Database, steps: readonly string[] = migrations): void {
  const version = schemaVersion(database);
  if (version > steps.length) {
    throw new StoreError(
      'newer_schema',
      `the database has schema ${version}, this version knows ${steps.length}: start the version that wrote it, or restore a backup`,
    );
  }
  for (const [index, step] of steps.entries()) {
    if (index < version) continue;
    database.transaction(() => {
      database.exec(step);
      database.pragma(`user_version = ${index + 1}`);
    })();
  }
}

/** How many steps a database has taken; 0 = it is empty. */
export function schemaVersion(database: Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}
