/** Requests in the order in which they get a connection; one may leave from anywhere at no cost. */

/** The queue owns the two links. */
export interface Queued<T> {
  queueNext: T | undefined;
  queuePrevious: T | undefined;
}

export class CallQueue<T extends Queued<T>> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;
  readonly #onChange: (amount: 1 | -1) => void;

  /** `onChange` is told of every call that comes (1) and goes (-1). */
  constructor(onChange: (amount: 1 | -1) => void = () => {}) {
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#first;
  }

  push(call: T): void {
    call.queuePrevious = this.#last;
    if (this.#last === undefined) this.#first = call;
    else this.#last.queueNext = call;
    this.#last = call;
    this.#size += 1;
    this.#onChange(1);
  }

  shift(): T | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  /** Only of one that is in the queue. */
  remove(call: T): void {
    const { queueNext: next, queuePrevious: previous } = call;
    if (previous === undefined) this.#first = next;
    else previous.queueNext = next;
    if (next === undefined) this.#last = previous;
    else next.queuePrevious = previous;
    call.queueNext = undefined;
    call.queuePrevious = undefined;
    this.#size -= 1;
    this.#onChange(-1);
  }
}
