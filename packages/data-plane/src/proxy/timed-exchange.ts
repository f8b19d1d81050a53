/** The deadlines of an exchange on the wheel, which is looked at far less often than they move. */

import { ExchangeWatch, type WaitingFor } from './exchange-watch.ts';
import type { ProxyContext } from './proxy-context.ts';
import type { Timed } from './timer-wheel.ts';

/** A base class, so that an exchange need not be two objects. */
export abstract class TimedExchange implements Timed {
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  dueMs = Infinity;
  protected readonly context: ProxyContext;
  protected readonly watch: ExchangeWatch;

  constructor(context: ProxyContext, startedMs: number) {
    this.context = context;
    this.watch = new ExchangeWatch(startedMs);
  }

  /** Undefined when it is over. */
  protected abstract waitingFor(): WaitingFor | undefined;
  /** Nobody would learn that the client is gone. */
  protected abstract get isUnseen(): boolean;
  /** Of the request's body. */
  protected abstract get bytesIn(): number;
  /** Of the peer that alone keeps bytes from passing; undefined: nobody does. */
  protected abstract get slowPeerMark(): number | undefined;
  protected abstract onOverdue(waitingFor: WaitingFor, nowMs: number): void;

  /** When all of it has taken too long; Infinity: never. */
  get wholeDueMs(): number {
    return this.watch.wholeDueMs;
  }

  /** The time of a try begins. Before the first one nothing is armed: its call is still to come. */
  beginTry(): void {
    if (this.watch.beginTry(this.nowMs())) this.arm();
  }

  /** Nobody is asked for the moment. */
  endTry(): void {
    this.watch.endTry();
    this.arm();
  }

  onDue(nowMs: number): void {
    const waitingFor = this.waitingFor();
    if (waitingFor === undefined) return;
    if (this.#nextDueMs(waitingFor) > nowMs || this.#hasProgressed(waitingFor, nowMs)) this.arm();
    else this.onOverdue(waitingFor, nowMs);
  }

  /** Bytes only move the deadline on, and `onDue` looks again. */
  protected arm(): void {
    const waitingFor = this.waitingFor();
    if (waitingFor === undefined) return;
    this.context.wheel.wakeBy(this, this.#nextDueMs(waitingFor));
  }

  /** A byte has passed. */
  protected touch(): void {
    this.watch.lastByteMs = this.nowMs();
  }

  protected nowMs(): number {
    return this.context.clock.monotonicMs();
  }

  #nextDueMs(waitingFor: WaitingFor): number {
    return this.watch.dueMs(waitingFor, this.bytesIn, this.isUnseen);
  }

  /** Whether only a slow peer kept the bytes from passing here. */
  #hasProgressed(waitingFor: WaitingFor, nowMs: number): boolean {
    const mark = this.slowPeerMark;
    return mark !== undefined && this.watch.hasProgressed(mark, nowMs) && this.#nextDueMs(waitingFor) > nowMs;
  }
}
