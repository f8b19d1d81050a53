// What comes from elsewhere, one after the other, for a test that waits for the next of it.

const waitTimeoutMs = 20_000;

/** A queue with an end. One waits at a time. */
export class Inbox<T> {
  readonly #name: string;
  readonly #items: T[] = [];
  #ended: string | undefined;
  #wake = Promise.withResolvers<void>();

  /** @param name of what comes, in errors: "messages of the chat". */
  constructor(name: string) {
    this.#name = name;
  }

  /** What has come and was not taken. */
  get waiting(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#changed();
  }

  /** Nothing more will come; what has come can be taken. */
  end(why: string): void {
    this.#ended ??= why;
    this.#changed();
  }

  /** Takes the first that is left, once it is there. Throws at the end, and after 20 s. */
  async next(): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`no ${this.#name} within ${waitTimeoutMs} ms`)),
      waitTimeoutMs,
    );
    try {
      for (;;) {
        if (this.#items.length > 0) return this.#items.shift()!;
        if (this.#ended !== undefined) throw new Error(`no more ${this.#name}: ${this.#ended}`);
        await Promise.race([this.#wake.promise, late.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #changed(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }
}
