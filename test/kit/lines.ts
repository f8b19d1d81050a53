// A process's output as lines, bounded, whatever chunks the pipe delivers.

const lineCharsMax = 1 << 20;

/** A sink for decoded chunks that calls `onLine` for every line without its end; a longer line is cut at 1 Mi chars. */
export function splitLines(onLine: (line: string) => void): { push(chunk: string): void; end(): void } {
  let rest = '';
  return {
    push(chunk) {
      const lines = (rest + chunk).split('\n');
      rest = (lines.pop() ?? '').slice(0, lineCharsMax);
      for (const line of lines) onLine(line);
    },
    end() {
      if (rest !== '') onLine(rest);
      rest = '';
    },
  };
}

/** The last `entriesMax` entries pushed. */
export class Tail<T> {
  readonly #entriesMax: number;
  #entries: T[] = [];

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  push(entry: T): void {
    this.#entries.push(entry);
    // Twice the bound before it is cut, so that cutting costs little for each entry.
    if (this.#entries.length >= 2 * this.#entriesMax) this.#entries = this.entries;
  }

  get entries(): T[] {
    return this.#entries.slice(-this.#entriesMax);
  }
}
