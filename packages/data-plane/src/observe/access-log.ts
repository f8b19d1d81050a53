/** One line for each exchange, as the Gateway wants it: where, in which form, which ones, and what must not be in it. */

import type { Clock } from '@causeway/runtime/clock';
import { messageOf } from '@causeway/runtime/errors';
import type { Logger } from '@causeway/runtime/logger';

import type { ExchangeRecord } from '../proxy/exchange-record.ts';
import type { AccessLogSettings } from '../table/gateway-settings.ts';
import { type LineFormat, lineFormat } from './access-log-line.ts';
import type { LogOutput } from './log-output.ts';
import { LogWriter, type OnDropped, waitingBytesMax } from './log-writer.ts';
import { Sampler } from './sampler.ts';

export interface AccessLogOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Lines go there; opened by its `reopen`. `path` undefined: stdout, which is open. */
  readonly outputTo: (path: string | undefined) => LogOutput;
  /** Told of lines that are lost, as often as it happens. */
  readonly onLost: OnDropped;
  /** How many write the same log: what waits to be written is theirs in equal parts. */
  readonly writers?: number;
}

/** Settings whose output is open, not yet in use. */
export interface PreparedLog {
  /** From now on lines are written by them. */
  commit(): void;
  /** They are not wanted after all. */
  abort(): void;
}

interface Destination {
  /** Undefined = stdout. */
  readonly path: string | undefined;
  readonly writer: LogWriter;
}

export class AccessLog {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onLost: OnDropped;
  readonly #waitingBytesMax: number;
  #dropped = 0;
  readonly #outputTo: AccessLogOptions['outputTo'];
  readonly #stdout: Destination;
  readonly #closing = new Set<Promise<void>>();
  #current: Destination;
  #format: LineFormat = lineFormat({ format: 'json', redactHeaders: [], redactQuery: [] });
  /** Undefined = every line is written. */
  #sampler: Sampler | undefined;

  constructor({ clock, logger, onLost, outputTo, writers = 1 }: AccessLogOptions) {
    this.#clock = clock;
    this.#logger = logger;
    this.#onLost = onLost;
    this.#waitingBytesMax = Math.floor(waitingBytesMax / writers);
    this.#outputTo = outputTo;
    this.#stdout = { path: undefined, writer: this.#writerTo(outputTo(undefined)) };
    this.#current = this.#stdout;
  }

  /** Lines that were not written. */
  get dropped(): number {
    return this.#dropped;
  }

  add(record: ExchangeRecord): void {
    const isGood = record.reason === undefined && record.status < 500;
    if (isGood && this.#sampler?.takes() === false) return;
    this.#current.writer.add(this.#format(record));
  }

  /**
   * Opens what `settings` name, so that a Gateway which cannot be logged is refused before it is live. Rejects with a sentence
   * that says what is wrong; when the log is not `required`, it tells that to the logger instead and tries again with each batch.
   */
  async prepare(settings: AccessLogSettings, { required }: { required: boolean }): Promise<PreparedLog> {
    const { path } = settings;
    if (path === this.#current.path) return this.#prepared(settings, this.#current, undefined);
    if (path === undefined) return this.#prepared(settings, this.#stdout, undefined);
    const output = this.#outputTo(path);
    try {
      await output.reopen();
    } catch (error) {
      if (required) {
        output.close();
        throw error;
      }
      this.#logger.error({ file: path }, `no access log: ${messageOf(error)}`);
    }
    return this.#prepared(settings, { path, writer: this.#writerTo(output) }, output);
  }

  /** Resolves when what waits is written, or has been given up. Nothing is added after it. */
  async close(): Promise<void> {
    for (const destination of new Set([this.#current, this.#stdout])) this.#retire(destination);
    await Promise.all(this.#closing);
  }

  #writerTo(output: LogOutput): LogWriter {
    const onDropped: OnDropped = (lines, error) => {
      this.#dropped += lines;
      this.#onLost(lines, error);
    };
    return new LogWriter(output, this.#clock, onDropped, this.#waitingBytesMax);
  }

  #prepared(settings: AccessLogSettings, next: Destination, opened: LogOutput | undefined): PreparedLog {
    return {
      commit: () => {
        if (next !== this.#current && this.#current !== this.#stdout) this.#retire(this.#current);
        this.#current = next;
        this.#format = lineFormat(settings);
        this.#sampler = settings.samplePercent < 100 ? new Sampler(settings.samplePercent) : undefined;
      },
      abort: () => opened?.close(),
    };
  }

  #retire({ writer }: Destination): void {
    const closing = writer.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
