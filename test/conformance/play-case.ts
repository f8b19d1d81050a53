// Sends a case to the gateway, byte by byte as written, and waits until it is certain that nothing more will come.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Case, isHeadRequest, type Step, stepsOf } from './case.ts';
import { readResponses, type ReceivedResponses } from './read-responses.ts';
import type { Recording, RecordingUpstream } from './recording-upstream.ts';

export interface Observed {
  readonly client: ReceivedResponses;
  /** Every byte that the client received, latin-1. */
  readonly received: string;
  /** The gateway ended the connection before the client closed its side. */
  readonly isClosed: boolean;
  /** The gateway ended the connection at all. Nothing may keep it open when the client has closed its side. */
  readonly isOver: boolean;
  readonly upstream: Recording;
}

const timeoutMs = 25_000;

/** Plays the case on a connection to `port`, whose Route leads to the upstream. */
export async function playCase(each: Case, port: number, upstream: RecordingUpstream): Promise<Observed> {
  const { upstreamRaw, upstreamClose } = each;
  upstream.begin({
    ...(upstreamRaw !== undefined && { responses: upstreamRaw }),
    ...(upstreamClose !== undefined && { closes: upstreamClose }),
  });
  const client = new CaseClient(each, await open(port), upstream);
  try {
    await client.play();
  } finally {
    client.destroy();
  }
  return { ...client.observed(), upstream: await upstream.finish() };
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

class CaseClient {
  readonly #case: Case;
  readonly #socket: Socket;
  readonly #upstream: RecordingUpstream;
  #received: Buffer = Buffer.alloc(0);
  #isOver = false;
  #isHalfClosed = false;
  /** The gateway was the first to end the connection. */
  #isClosed = false;
  #changed = Promise.withResolvers<void>();

  constructor(each: Case, socket: Socket, upstream: RecordingUpstream) {
    this.#case = each;
    this.#socket = socket;
    this.#upstream = upstream;
    socket.on('data', (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on('end', () => this.#end());
    // An RST ends it as well; what it took away is missing in what was received.
    socket.on('error', () => this.#end());
  }

  async play(): Promise<void> {
    const deadlineMs = performance.now() + (this.#case.timeoutMs ?? timeoutMs);
    for (const step of stepsOf(this.#case)) await this.#take(step);
    if (this.#case.halfClose === true) this.#halfClose();
    while (!this.#isOver) {
      if (!this.#isHalfClosed && this.#hasAll()) this.#halfClose();
      if (!(await this.#change(deadlineMs - performance.now()))) return;
    }
  }

  observed(): Omit<Observed, 'upstream'> {
    return {
      client: this.#responses(),
      received: this.#received.toString('latin1'),
      isClosed: this.#isClosed,
      isOver: this.#isOver,
    };
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async #take(step: Step): Promise<void> {
    if (step.send !== undefined) this.#socket.write(step.send, 'latin1');
    if (step.upstreamPush !== undefined) this.#upstream.push(step.upstreamPush);
    if (step.sleepMs !== undefined) await this.#pass(step.sleepMs);
    if (step.waitFor !== undefined) await this.#waitFor(step.waitFor, step.ms ?? timeoutMs);
    if (step.trickle !== undefined) await this.#trickle(step.trickle, step);
  }

  async #waitFor(text: string, ms: number): Promise<void> {
    const deadlineMs = performance.now() + ms;
    while (!this.#isOver && !this.#received.includes(text, 0, 'latin1'))
      if (!(await this.#change(deadlineMs - performance.now()))) return;
  }

  async #trickle(text: string, { everyMs = 100, forMs = 1000 }: Step): Promise<void> {
    const deadlineMs = performance.now() + forMs;
    while (!this.#isOver && performance.now() < deadlineMs) {
      this.#socket.write(text, 'latin1');
      await this.#pass(everyMs);
    }
  }

  /** A pause that belongs to the case; it ends early when the gateway has ended the connection. */
  async #pass(ms: number): Promise<void> {
    const deadlineMs = performance.now() + ms;
    while (!this.#isOver && (await this.#change(deadlineMs - performance.now())));
  }

  /**
   * Whether everything that the case waits for has come. Then the client closes its side: whatever else the gateway has to say
   * comes before it closes its own. Where the gateway is the one that must close, nobody helps it.
   */
  #hasAll(): boolean {
    const { finals, isCutOff, isBroken } = this.#responses();
    const { responses = 1, connection } = this.#case.expect;
    if (isBroken) return true;
    if (finals.length - (isCutOff ? 1 : 0) < responses) return false;
    return connection === undefined || (connection === 'close-if-200' && finals[0]?.status !== 200);
  }

  #responses(): ReceivedResponses {
    return readResponses(this.#received, {
      isHead: (index) => isHeadRequest(this.#case, index),
      ended: this.#isOver,
    });
  }

  #halfClose(): void {
    this.#isHalfClosed = true;
    this.#socket.end();
  }

  #end(): void {
    if (!this.#isOver) this.#isClosed = !this.#isHalfClosed || this.#case.halfClose === true;
    this.#isOver = true;
    this.#wake();
  }

  #wake(): void {
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers();
    resolve();
  }

  /** False when nothing has changed within the time. */
  async #change(withinMs: number): Promise<boolean> {
    if (withinMs <= 0) return false;
    const stop = new AbortController();
    const late = sleep(withinMs, false, { signal: stop.signal }).catch(() => false);
    const happened = await Promise.race([this.#changed.promise.then(() => true), late]);
    stop.abort();
    return happened;
  }
}
