/** Until when what lets a request pass holds, as its filters told. */
export class FilterExpiries {
  readonly #told: { wallMs: number; readonly filter: number }[] = [];

  /** `filter`: its place in the chain. */
  add(filter: number, wallMs: number): void {
    this.#told.push({ wallMs, filter });
  }

  /** Milliseconds since 1970. */
  get earliestMs(): number {
    return Math.min(...this.#told.map(({ wallMs }) => wallMs));
  }

  /** Asks those whose time is over until when it holds now; false: one of them says no more. */
  renew(wallMs: number, ask: (filter: number) => number | undefined): boolean {
    for (const expiry of this.#told) {
      if (expiry.wallMs > wallMs) continue;
      const renewedMs = ask(expiry.filter);
      if (renewedMs === undefined || renewedMs <= wallMs) return false;
      expiry.wallMs = renewedMs;
    }
    return true;
  }
}
