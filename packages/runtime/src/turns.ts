/** So many tasks at a time; the others wait in the order in which they came. */
export class Turns {
  readonly #tasksMax: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** Who calls `run` bounds how many wait. */
  constructor(tasksMax: number) {
    this.#tasksMax = tasksMax;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Runs `task` when it is its turn; the turn lasts until its promise is settled. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#tasksMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      // The turn is handed over, so that nobody who comes now overtakes.
      if (next) next();
      else this.#running -= 1;
    }
  }
}
