/** One JSON line for each exchange, written in batches: neither a slow reader nor a full disk may slow down traffic. */

import { write } from 'node:fs';
import type { Clock } from '@causeway/runtime/clock';
import { systemCodeOf } from '@causeway/runtime/errors';

import type { ExchangeRecord } from '../proxy/exchange-record.ts';

/** Bytes of lines that wait to be written; beyond it lines are dropped and counted. */
const waitingBytesMax = 8 * 1024 * 1024;
/** A batch is written when it is this large or this old. */
const batchBytes = 64 * 1024;
const batchAgeMs = 50;
/** A pipe that another process has made non-blocking may be full. */
const fullPipeWaitMs = 10;

/** Appends bytes to a descriptor; like `write` of node:fs. */
type WriteBytes = (bytes: Uint8Array, done: (error: Error | null, written: number) => void) => void;

export class AccessLog {
  readonly #clock: Clock;
  readonly #write: WriteBytes;
  #lines = '';
  #timerRuns = false;
  #unwritten: Uint8Array | undefined;
  #dropped = 0;
  #onIdle: (() => void) | undefined;

  /**
   * @param writeBytes where lines go; stdout when absent, by asynchronous calls: `process.stdout` would block the process
   *   while a pipe is full.
   */
  constructor(clock: Clock, writeBytes: WriteBytes = (bytes, done) => write(1, bytes, done)) {
    this.#clock = clock;
    this.#write = writeBytes;
  }

  /** Lines that were not written: nobody took them in time. */
  get dropped(): number {
    return this.#dropped;
  }

  add(record: ExchangeRecord): void {
    if (this.#lines.length + (this.#unwritten?.length ?? 0) > waitingBytesMax) {
      this.#dropped += 1;
      return;
    }
    this.#lines += accessLogLine(record);
    if (this.#lines.length >= batchBytes) this.#writeNext();
    else if (!this.#timerRuns) {
      this.#timerRuns = true;
      this.#clock.after(batchAgeMs, () => {
        this.#timerRuns = false;
        this.#writeNext();
      });
    }
  }

  /** Resolves when all lines are written, or cannot be. */
  async flush(): Promise<void> {
    this.#writeNext();
    if (this.#unwritten === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    await promise;
  }

  #writeNext(): void {
    if (this.#unwritten !== undefined) return;
    if (this.#lines === '') {
      this.#onIdle?.();
      return;
    }
    this.#unwritten = Buffer.from(this.#lines);
    this.#lines = '';
    this.#writeRest();
  }

  #writeRest(): void {
    const bytes = this.#unwritten!;
    this.#write(bytes, (error, written) => {
      if (systemCodeOf(error) === 'EAGAIN') {
        this.#clock.after(fullPipeWaitMs, () => this.#writeRest());
        return;
      }
      if (error !== null) this.#dropped += bytes.filter((byte) => byte === 0x0a).length;
      else if (written < bytes.length) {
        this.#unwritten = bytes.subarray(written);
        this.#writeRest();
        return;
      }
      this.#unwritten = undefined;
      this.#writeNext();
    });
  }
}

/** The line of an exchange, with its line end. */
export function accessLogLine(record: ExchangeRecord): string {
  // Written by hand: a third of the cost of JSON.stringify, and the values that need no escaping are known.
  return (
    `{"time":"${timeText(record.startedWallMs)}","requestId":${text(record.requestId)},"method":${text(record.method)},` +
    `"host":${text(record.host)},"path":${text(record.path)},"status":${record.status},"reason":${text(record.reason)},` +
    `"route":${text(record.route)},"service":${text(record.service)},"endpoint":${text(record.endpoint)},` +
    `"client":${text(record.client)},"durationMs":${milliseconds(record.durationMs)},` +
    `"upstreamMs":${milliseconds(record.upstreamMs)},"bytesIn":${record.bytesIn},"bytesOut":${record.bytesOut},` +
    `"revision":${record.revision}}\n`
  );
}

const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function text(value: string | undefined): string {
  if (value === undefined) return 'null';
  return plain.test(value) ? `"${value}"` : JSON.stringify(value);
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? 'null' : String(Math.round(value * 1000) / 1000);
}

let second = -1;
let secondText = '';

/** ISO 8601 in UTC; the part down to the second is the same for thousands of lines. */
function timeText(wallMs: number): string {
  const now = Math.floor(wallMs / 1000);
  if (now !== second) {
    second = now;
    secondText = new Date(now * 1000).toISOString().slice(0, 'YYYY-MM-DDThh:mm:ss'.length);
  }
  return `${secondText}.${String(Math.floor(wallMs) % 1000).padStart(3, '0')}Z`;
}
