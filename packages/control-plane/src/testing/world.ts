import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Identity, Manifest } from '@causeway/model/resource';
import { createLogger } from '@causeway/runtime/logger';
import { ManualClock } from '@causeway/runtime/manual-clock';
import { AffinityKeyring, LoginKeyring } from '../publish/cookie-keys.ts';
import { SessionTickets } from '../publish/session-tickets.ts';
import { CredentialHashes } from '../store/credential-hashes.ts';
import { Keyring } from '../store/keyring.ts';
import { secretReader } from '../store/open-secret.ts';
import { ResourceIndex } from '../store/resource-index.ts';
import { Sealer } from '../store/sealer.ts';
import type { ReadSecret } from '../store/secret-values.ts';
import { SqliteStore } from '../store/sqlite-store.ts';
import { SignatureIndex } from '../validate/signature-index.ts';
import { type WriteContext, type WriteOutcome, WritePath } from '../write-path.ts';

/** A directory that goes with the test. */
export function tempDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-unit-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface World {
  readonly databaseFile: string;
  readonly clock: ManualClock;
  readonly store: SqliteStore;
  readonly keyring: Keyring;
  readonly hashes: CredentialHashes;
  readonly sealer: Sealer;
  readonly readSecret: ReadSecret;
  /** Not started. */
  readonly tickets: SessionTickets;
  readonly affinity: AffinityKeyring;
  readonly logins: LoginKeyring;
  readonly index: ResourceIndex;
  readonly signatures: SignatureIndex;
  readonly writePath: WritePath;
  /** Writes documents and removals as one request. */
  readonly write: (
    documents: readonly Manifest[],
    removals?: readonly Identity[],
    context?: Partial<WriteContext>,
  ) => Promise<WriteOutcome>;
}

export const ticketRotationMs = 12 * 3_600_000;

const writeContext: WriteContext = {
  author: 'token/admin',
  source: 'test',
  message: '',
  requestId: 'request-1',
  force: false,
  dryRun: false,
};

/** The write side of a control plane over a database file, without anything that listens. */
export async function openWorld(t: TestContext, directory = tempDirectory(t)): Promise<World> {
  const databaseFile = join(directory, 'causeway.db');
  const clock = new ManualClock();
  const store = SqliteStore.open(databaseFile, clock);
  t.after(() => store.close());
  const sealer = new Sealer(new Uint8Array(32).fill(7));
  const logger = createLogger({ level: 'error', write: (line) => assert.fail(line) });
  const keyring = await Keyring.open(store, sealer, clock);
  const index = await ResourceIndex.load(store);
  const signatures = new SignatureIndex(index);
  const hashes = new CredentialHashes(keyring);
  const parts = { store, index, signatures, keyring, hashes, sealer, clock };
  const writePath = new WritePath({ ...parts, ownAddresses: [{ host: '127.0.0.1', port: 7080 }] });
  return {
    ...parts,
    readSecret: secretReader(index, sealer),
    affinity: new AffinityKeyring(keyring),
    logins: new LoginKeyring(keyring),
    tickets: new SessionTickets({ keyring, clock, logger, rotationMs: ticketRotationMs }),
    databaseFile,
    writePath,
    write: (documents, removals = [], context = {}) =>
      writePath.write(
        () => ({ documents: documents.map((manifest, document) => ({ document, manifest })), removals }),
        { ...writeContext, ...context },
      ),
  };
}
