import { readFileSync, renameSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  type AffinityKeys,
  type LoginKeys,
  type EndpointSet,
  type Fellows,
  type Item,
  type StoredSnapshot,
  StoredSnapshotSchema,
} from '@causeway/proto/gen/causeway/config/v1/config_pb';
import type { SnapshotItems } from '@causeway/proto/snapshot-items';
import type { CancelTimer, Clock } from '@causeway/runtime/clock';
import { writeFileAtomic } from '@causeway/runtime/data-dir';
import { messageOf, systemCodeOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';
import { seal, unseal } from '@causeway/runtime/sealed-bytes';
import { sliceWork, type Steps } from '@causeway/runtime/work-slices';
import { SnapshotKey } from './snapshot-key.ts';

/** First bytes of the file; the rest is a StoredSnapshot, sealed: it holds private keys. */
const magic = Buffer.from('causeway snapshot 2\n');
/** What the seal is bound to. */
const sealContext = 'last good snapshot';
/** A burst of revisions is written once. */
const writeIntervalMs = 1000;

/** What the node serves. */
export interface Snapshot {
  revision: number;
  items: SnapshotItems;
  endpoints: ReadonlyMap<string, EndpointSet>;
}

/** What the node is told beside updates, and needs when it starts again. */
export interface ToldBeside {
  affinityKeys?: AffinityKeys | undefined;
  fellows?: Fellows | undefined;
  loginKeys?: LoginKeys | undefined;
}

/** What goes to disk. */
interface KeptSnapshot extends Snapshot, ToldBeside {}

/**
 * The last good snapshot on disk, and the one before it for the case that the newer file is damaged. Written on change,
 * at most once a second, with mode 0600, whole or not at all; sealed under a key in a file beside it.
 */
export class LastGood {
  readonly #path: string;
  readonly #key: SnapshotKey;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #waiting: KeptSnapshot | undefined;
  #writing: Promise<void> = Promise.resolve();
  #cancelTimer: CancelTimer | undefined;
  readonly #encodedBuckets = new WeakMap<ReadonlyMap<string, Item>, Uint8Array>();
  #lastWriteMs = Number.NEGATIVE_INFINITY;

  constructor(path: string, clock: Clock, logger: Logger) {
    this.#path = path;
    this.#key = new SnapshotKey(`${path}.key`, logger);
    this.#clock = clock;
    this.#logger = logger;
  }

  /** The newest snapshot on disk that is whole; undefined when there is none. Damage is logged, not thrown. */
  read(): StoredSnapshot | undefined {
    for (const path of [this.#path, previousOf(this.#path)]) {
      try {
        return this.#decode(readFileSync(path));
      } catch (error) {
        if (systemCodeOf(error) !== 'ENOENT')
          this.#logger.error({ file: path }, `the stored snapshot cannot be used: ${messageOf(error)}`);
      }
    }
    return undefined;
  }

  /** Writes soon; a newer snapshot that comes before takes its place. */
  save(snapshot: KeptSnapshot): void {
    this.#waiting = snapshot;
    if (this.#cancelTimer) return;
    const waitMs = Math.max(0, this.#lastWriteMs + writeIntervalMs - this.#clock.monotonicMs());
    this.#cancelTimer = this.#clock.after(waitMs, () => void this.flush());
  }

  /** Writes what waits to be written now; resolves when it is on disk. */
  flush(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#writing = this.#writing.then(() => this.#writeWaiting());
    return this.#writing;
  }

  async #writeWaiting(): Promise<void> {
    const snapshot = this.#waiting;
    if (!snapshot) return;
    this.#waiting = undefined;
    this.#lastWriteMs = this.#clock.monotonicMs();
    await this.#write(snapshot);
  }

  async #write(snapshot: KeptSnapshot): Promise<void> {
    try {
      const bytes = await this.#encode(snapshot);
      try {
        renameSync(this.#path, previousOf(this.#path));
      } catch (error) {
        if (systemCodeOf(error) !== 'ENOENT') throw error;
      }
      await writeFileAtomic(this.#path, bytes, 0o600);
    } catch (error) {
      // Traffic goes on; only a restart without the control plane would find an older snapshot.
      this.#logger.error({ err: error, file: this.#path }, 'the snapshot cannot be stored');
    }
  }

  /**
   * Repeated fields of a protobuf message may come in pieces, so each bucket is encoded apart and kept: a change of one
   * Route encodes one bucket, however many there are.
   */
  async #encode(snapshot: KeptSnapshot): Promise<Uint8Array> {
    const bytes = await sliceWork(this.#encodeParts(snapshot));
    return Buffer.concat([magic, seal(await this.#key.readOrMake(), bytes, sealContext)]);
  }

  *#encodeParts(snapshot: KeptSnapshot): Steps<Uint8Array> {
    const { revision, items, endpoints, affinityKeys, fellows, loginKeys } = snapshot;
    const head = create(StoredSnapshotSchema, {
      revision,
      ...(affinityKeys && { affinityKeys }),
      ...(fellows && { fellows }),
      ...(loginKeys && { loginKeys }),
    });
    const parts: Uint8Array[] = [toBinary(StoredSnapshotSchema, head)];
    for (const set of endpoints.values()) {
      parts.push(toBinary(StoredSnapshotSchema, create(StoredSnapshotSchema, { endpointSets: [set] })));
      yield;
    }
    for (const bucket of items.buckets) {
      parts.push(this.#encodeBucket(bucket));
      yield;
    }
    return Buffer.concat(parts);
  }

  #decode(file: Uint8Array): StoredSnapshot {
    if (Buffer.compare(file.subarray(0, magic.byteLength), magic) !== 0)
      throw new Error('it is no snapshot of this version');
    const key = this.#key.read();
    if (!key) throw new Error('its key is gone');
    return fromBinary(StoredSnapshotSchema, opened(key, file.subarray(magic.byteLength)));
  }

  #encodeBucket(bucket: ReadonlyMap<string, Item>): Uint8Array {
    let bytes = this.#encodedBuckets.get(bucket);
    if (!bytes) {
      bytes = toBinary(StoredSnapshotSchema, create(StoredSnapshotSchema, { items: [...bucket.values()] }));
      this.#encodedBuckets.set(bucket, bytes);
    }
    return bytes;
  }
}

function previousOf(path: string): string {
  return `${path}.previous`;
}

function opened(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  try {
    return unseal(key, sealed, sealContext);
  } catch (error) {
    throw new Error('its seal is broken: it is damaged, or was sealed with another key', { cause: error });
  }
}
