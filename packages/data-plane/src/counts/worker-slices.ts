/**
 * Gauges of a node of which every worker has a slice: written by that worker alone, read by all, zeroed by the supervisor when the
 * worker has ended.
 */

/** Gauges that workers share. */
export type SliceName =
  | 'ticks'
  | 'connections'
  | 'activeRequests'
  | 'openPorts'
  | 'webSockets'
  | 'events'
  | 'records'
  | 'lastingConnections';

const places: Readonly<Record<SliceName, number>> = {
  ticks: 0,
  connections: 1,
  activeRequests: 2,
  openPorts: 3,
  webSockets: 4,
  events: 5,
  records: 6,
  lastingConnections: 7,
};

/** A cache line for each worker, so that their writes do not get in each other's way. */
const sliceWords = 16;

export function createSlices(workers: number): SharedArrayBuffer {
  return new SharedArrayBuffer(workers * sliceWords * Int32Array.BYTES_PER_ELEMENT);
}

export class WorkerSlices {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #start: number;

  /** `worker`: whose slice is written. */
  constructor(memory: SharedArrayBuffer, worker: number) {
    this.#words = new Int32Array(memory);
    this.#start = worker * sliceWords;
  }

  /** Hot path: a plain store, for nobody else writes here. */
  add(name: SliceName, amount: number): void {
    this.#words[this.#start + places[name]]! += amount;
  }

  set(name: SliceName, value: number): void {
    this.#words[this.#start + places[name]] = value;
  }

  /** Of this worker. */
  own(name: SliceName): number {
    return Atomics.load(this.#words, this.#start + places[name]);
  }

  /** Of all workers. */
  sum(name: SliceName): number {
    let sum = 0;
    for (let at = places[name]; at < this.#words.length; at += sliceWords)
      sum += Atomics.load(this.#words, at);
    return sum;
  }

  /**
   * The same after a change of this worker's own: of workers that change theirs at the same moment, one at least sees all of it. A plain store may
   * still be on its way when the others are read; an Atomics operation on the same word is not passed.
   */
  sumAfterOwn(name: SliceName): number {
    Atomics.add(this.#words, this.#start + places[name], 0);
    return this.sum(name);
  }

  /** For a worker that has ended. */
  clear(): void {
    for (let at = this.#start; at < this.#start + sliceWords; at += 1) Atomics.store(this.#words, at, 0);
  }
}
