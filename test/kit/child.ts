// A real child process whose log lines can be waited for, and whose crash fails the test that owns it.

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { splitLines, Tail } from './lines.ts';
import { onEnd, type Owner } from './owner.ts';

/** One JSON line of a process's stderr; a line that is no JSON object has level `raw` and the line as `msg`. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  /** Names the process in errors. */
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Where its stdout goes; default: the lines of `output`. */
  stdoutFile?: string;
  /** Gives it an IPC channel, by whose loss it learns that we are gone, even when we were killed; default false. */
  watchesParent?: boolean;
}

const linesMax = 20_000;
const startTimeoutMs = 20_000;
const stopTimeoutMs = 40_000;
const faultPattern = /uncaught|unhandled.?rejection|AssertionError|ERR_ASSERTION|assertion ?fail(ed|ure)/i;

/**
 * Starts a process. When `owner` ends it is killed, and the end fails if before that the process had ended unasked or had
 * logged an uncaught exception, an assertion failure or a line of level `fatal`.
 */
export function startChild(owner: Owner, options: ChildOptions): Child {
  const child = new Child(options);
  onEnd(owner, () => child.close());
  return child;
}

interface Waiter {
  matches(line: LogLine): boolean;
  resolve(line: LogLine): void;
  reject(error: Error): void;
}

export class Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the process has ended and its output is read to the end. Never rejects. */
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  readonly #logs = new Tail<LogLine>(linesMax);
  readonly #output = new Tail<string>(linesMax);
  readonly #faults: string[] = [];
  #fatal: string | undefined;
  #refusalIsExpected = false;
  readonly #waiters = new Set<Waiter>();
  #endIsExpected = false;
  #result: Ended | undefined;

  constructor({ name, command, args, env = {}, cwd, stdoutFile, watchesParent = false }: ChildOptions) {
    this.name = name;
    const stdout = stdoutFile === undefined ? 'pipe' : openSync(stdoutFile, 'a');
    this.#process = spawn(command, args, {
      env: { ...inheritedEnv(), ...env },
      stdio: ['ignore', stdout, 'pipe', watchesParent ? 'ipc' : 'ignore'],
      ...(cwd === undefined ? {} : { cwd }),
    });
    if (typeof stdout === 'number') closeSync(stdout);
    this.pid = this.#process.pid ?? 0;
    killWithUs(this.#process);
    this.#readLines();
    this.ended = this.#watchEnd();
  }

  /** The last 20,000 log lines. */
  get logs(): readonly LogLine[] {
    return this.#logs.entries;
  }

  /** The last 20,000 lines of stdout. */
  get output(): readonly string[] {
    return this.#output.entries;
  }

  get running(): boolean {
    return this.#result === undefined;
  }

  /** The first line that matches, seen already or still to come. Throws when the process ends or 20 s pass before it. */
  async waitForLog(what: string, matches: (line: LogLine) => boolean): Promise<LogLine> {
    const seen = this.logs.find(matches);
    if (seen !== undefined) return seen;
    if (!this.running) throw this.#error(`has ended before it logged: ${what}`);
    const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
    const waiter: Waiter = { matches, resolve, reject };
    this.#waiters.add(waiter);
    const timer = setTimeout(
      () => reject(this.#error(`has not logged within ${startTimeoutMs} ms: ${what}`)),
      startTimeoutMs,
    );
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
    });
  }

  /** SIGTERM, then waits for the drain to finish. Throws unless the process exits with 0. */
  async stop(): Promise<void> {
    const { code, signal } = await this.#endAfter('SIGTERM');
    if (code !== 0) throw this.#error(`ended with ${signal ?? code} after SIGTERM instead of exit code 0`);
  }

  /** SIGKILL: the process gets no chance to save or say anything. */
  async kill(): Promise<void> {
    await this.#endAfter('SIGKILL');
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Waits for a process that is meant to end by itself, such as one that must refuse to start and may say so as `fatal`. */
  async expectEnd(): Promise<Ended> {
    this.#endIsExpected = true;
    this.#refusalIsExpected = true;
    return this.#within(this.ended, 'has not ended');
  }

  /** Kills what is left and throws when something had gone wrong before. */
  async close(): Promise<void> {
    if (!this.running && !this.#endIsExpected) {
      throw this.#error(`ended unasked with ${this.#result?.signal ?? this.#result?.code}`);
    }
    await this.kill();
    if (this.#fatal !== undefined && !this.#refusalIsExpected) this.#faults.push(this.#fatal);
    if (this.#faults.length > 0)
      throw this.#error(`logged ${this.#faults.length} faults: ${this.#faults[0]}`);
  }

  async #endAfter(signal: NodeJS.Signals): Promise<Ended> {
    if (this.running) this.#endIsExpected = true;
    this.#process.kill(signal);
    return this.#within(this.ended, `has not ended after ${signal}`);
  }

  async #within<T>(promise: Promise<T>, complaint: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#error(`${complaint} within ${stopTimeoutMs} ms`)), stopTimeoutMs);
    });
    return Promise.race([promise, late]).finally(() => clearTimeout(timer));
  }

  #readLines(): void {
    const logs = splitLines((line) => this.#onLogLine(line));
    const output = splitLines((line) => this.#output.push(line));
    for (const [stream, sink] of [
      [this.#process.stderr, logs],
      [this.#process.stdout, output],
    ] as const) {
      stream?.setEncoding('utf8');
      stream?.on('data', (chunk: string) => sink.push(chunk));
      stream?.on('end', () => sink.end());
    }
  }

  #onLogLine(text: string): void {
    const line = parseLogLine(text);
    this.#logs.push(line);
    if (faultPattern.test(text)) this.#faults.push(text);
    else if (line.level === 'fatal') this.#fatal ??= text;
    for (const waiter of this.#waiters) {
      if (waiter.matches(line)) waiter.resolve(line);
    }
  }

  #watchEnd(): Promise<Ended> {
    const { promise, resolve } = Promise.withResolvers<Ended>();
    this.#process.once('error', (error) => this.#faults.push(String(error)));
    this.#process.once('close', (code, signal) => {
      this.#result = { code, signal };
      for (const waiter of this.#waiters) waiter.reject(this.#error('ended while its log was waited for'));
      resolve(this.#result);
    });
    return promise;
  }

  #error(complaint: string): Error {
    const tail = this.logs
      .slice(-20)
      .map((line) => `  ${line.level === 'raw' ? line.msg : JSON.stringify(line)}`);
    return new Error([`${this.name} (pid ${this.pid}) ${complaint}; its last lines:`, ...tail].join('\n'));
  }
}

function parseLogLine(text: string): LogLine {
  try {
    const line: Partial<LogLine> | null = JSON.parse(text);
    if (typeof line?.level === 'string' && typeof line.msg === 'string') {
      return { ...line, level: line.level, msg: line.msg };
    }
  } catch {
    // A line that is no JSON is a line too: Node's own warnings and crash reports look like that.
  }
  return { level: 'raw', msg: text };
}

/** Our environment without what would steer the process under test. */
function inheritedEnv(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value === undefined || /^(CAUSEWAY_|GWCTL_|NODE_OPTIONS$|NODE_TEST_)/.test(name)) continue;
    env[name] = value;
  }
  return env;
}

const children = new Set<ChildProcess>();

/** No process outlives this one, even when it ends in the middle of a test. */
function killWithUs(child: ChildProcess): void {
  if (children.size === 0) {
    process.once('exit', killAll);
    process.once('SIGTERM', exitOnSigterm);
  }
  children.add(child);
  child.once('exit', () => {
    children.delete(child);
    if (children.size > 0) return;
    process.off('exit', killAll);
    process.off('SIGTERM', exitOnSigterm);
  });
}

function killAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

function exitOnSigterm(): void {
  process.exit(143);
}
