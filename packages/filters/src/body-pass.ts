/** The way of one body, in one direction, through the filters that asked for it. */

import { RefusedBody, type Refusal, type Sooner } from './filter.ts';

/** A filter's part in it. */
export interface BodyStage {
  chunk(chunk: Uint8Array): Sooner<Uint8Array | undefined>;
  end(): Sooner<Uint8Array | undefined>;
  /** It threw, or its promise was rejected. */
  failed(error: unknown): void;
  refused(refusal: Refusal): void;
}

/** Where the body goes, and where it comes from. */
export interface BodyOwner {
  forward(chunk: Uint8Array): void;
  /** Everything has been forwarded. */
  forwardEnd(): void;
  /** After a `write` that returned false: more may come. */
  resume(): void;
  /** A filter failed, and has been told; nothing more comes of this body. With `refusal` it did so on purpose. */
  fail(refusal?: Refusal): void;
  /** The owner's own code threw while a pass went on after a wait, or its source did not stop. */
  crash(error: unknown): void;
}

/**
 * What may arrive between a `write` that returned false and the moment at which the source stands still, in bytes: one read of a
 * socket. More is a source that does not stop.
 */
export const queuedBytesMax = 262_144;

/** Chunks go through one by one, in order, however long a filter takes for each. */
export class BodyPass {
  readonly #owner: BodyOwner;
  readonly #stages: BodyStage[] = [];
  /** What came while a filter waited; undefined is the end of the body. */
  readonly #queue: (Uint8Array | undefined)[] = [];
  #queuedBytes = 0;
  #isWaiting = false;
  #isClosed = false;
  #changesBody = false;

  constructor(owner: BodyOwner) {
    this.#owner = owner;
  }

  /** Before the first chunk, in the order in which the body passes them. `changes`: what comes out of it may be another body. */
  addStage(stage: BodyStage, changes = true): void {
    this.#stages.push(stage);
    if (changes) this.#changesBody = true;
  }

  /** Whether what comes out may be another body than what went in. */
  get changesBody(): boolean {
    return this.#changesBody;
  }

  /** A filter waits, with a part of the body that has not come out. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** False: a filter waits; the chunk is taken, and the source is to stop until `resume`. */
  write(chunk: Uint8Array): boolean {
    if (this.#isClosed) return true;
    if (!this.#isWaiting) this.#take(chunk);
    else {
      this.#queue.push(chunk);
      this.#queuedBytes += chunk.length;
      if (this.#queuedBytes > queuedBytesMax) this.#overflow();
    }
    return !this.#isWaiting;
  }

  end(): void {
    if (this.#isClosed) return;
    if (this.#isWaiting) this.#queue.push(undefined);
    else this.#take(undefined);
  }

  /** From now on nothing is forwarded, and what filters still bring is dropped. */
  close(): void {
    this.#isClosed = true;
    this.#queue.length = 0;
  }

  #overflow(): void {
    this.close();
    this.#owner.crash(new Error(`more than ${queuedBytesMax} bytes of a body came while a filter waited`));
  }

  #take(item: Uint8Array | undefined): void {
    try {
      const done = item === undefined ? this.#endFrom(0) : this.#sendFrom(0, item);
      if (!(done instanceof Promise)) return;
      this.#isWaiting = true;
      void this.#goOnAfter(done);
    } catch (error) {
      if (!(error instanceof StageFailure)) throw error;
      this.#owner.fail(error.refusal);
    }
  }

  async #goOnAfter(done: Promise<void>): Promise<void> {
    try {
      await done;
      this.#isWaiting = false;
      while (!this.#isWaiting && this.#queue.length > 0) {
        const item = this.#queue.shift();
        this.#queuedBytes -= item?.length ?? 0;
        this.#take(item);
      }
      if (!this.#isWaiting && !this.#isClosed) this.#owner.resume();
    } catch (error) {
      if (!(error instanceof StageFailure)) this.#owner.crash(error);
      // A failure that came after the end of the exchange concerns nobody any more.
      else if (error.isOfInterest) this.#owner.fail(error.refusal);
    }
  }

  /** Sends a chunk through the stages from `at` on. */
  #sendFrom(at: number, chunk: Uint8Array): Sooner<void> {
    let passed = chunk;
    for (let index = at; index < this.#stages.length; index += 1) {
      const result = this.#ask(index, passed);
      if (result instanceof Promise) return this.#sendLater(index, result);
      if (result === undefined) return;
      passed = result;
    }
    if (!this.#isClosed) this.#owner.forward(passed);
  }

  async #sendLater(index: number, result: Promise<Uint8Array | undefined>): Promise<void> {
    const passed = await result;
    if (passed !== undefined && !this.#isClosed) await this.#sendFrom(index + 1, passed);
  }

  /** Ends the stages from `at` on; what one adds goes through those behind it before their end. */
  #endFrom(at: number): Sooner<void> {
    for (let index = at; index < this.#stages.length && !this.#isClosed; index += 1) {
      const added = this.#ask(index, undefined);
      if (added instanceof Promise) return this.#endLater(index, added);
      const sent = added === undefined ? undefined : this.#sendFrom(index + 1, added);
      if (sent instanceof Promise) return this.#endLater(index, sent);
    }
    if (!this.#isClosed) this.#owner.forwardEnd();
  }

  async #endLater(index: number, added: Promise<Uint8Array | undefined | void>): Promise<void> {
    const chunk = await added;
    if (chunk !== undefined && !this.#isClosed) await this.#sendFrom(index + 1, chunk);
    if (!this.#isClosed) await this.#endFrom(index + 1);
  }

  #ask(index: number, item: Uint8Array | undefined): Sooner<Uint8Array | undefined> {
    const stage = this.#stages[index]!;
    try {
      const result = item === undefined ? stage.end() : stage.chunk(item);
      return result instanceof Promise ? this.#caught(stage, result) : result;
    } catch (error) {
      throw this.#failed(stage, error);
    }
  }

  async #caught(stage: BodyStage, result: Promise<Uint8Array | undefined>): Promise<Uint8Array | undefined> {
    try {
      return await result;
    } catch (error) {
      throw this.#failed(stage, error);
    }
  }

  #failed(stage: BodyStage, error: unknown): StageFailure {
    const refusal = error instanceof RefusedBody ? error.refusal : undefined;
    const failure = new StageFailure(!this.#isClosed, refusal);
    if (failure.isOfInterest && refusal !== undefined) stage.refused(refusal);
    else if (failure.isOfInterest) stage.failed(error);
    this.close();
    return failure;
  }
}

/** Carries a failure, which has been told, out of however many stages. */
class StageFailure extends Error {
  readonly isOfInterest: boolean;
  readonly refusal: Refusal | undefined;

  constructor(isOfInterest: boolean, refusal: Refusal | undefined) {
    super('a filter failed');
    this.isOfInterest = isOfInterest;
    this.refusal = refusal;
  }
}
