/** Something by the name that a client asks for (SNI, RFC 6066 section 3). */

export class ServerNames<T> {
  readonly #exact = new Map<string, T>();
  /** By what follows `*.`. */
  readonly #wildcard = new Map<string, T>();

  /** `name` is a DNS name or `*.` and one; the first of two values for one name stays. */
  add(name: string, value: T): void {
    const lower = name.toLowerCase();
    const [names, key] = lower.startsWith('*.') ? [this.#wildcard, lower.slice(2)] : [this.#exact, lower];
    if (!names.has(key)) names.set(key, value);
  }

  /** The exact name, else the wildcard that stands for its first label (RFC 9525 section 6.3). */
  find(name: string): T | undefined {
    const lower = name.toLowerCase();
    const exact = this.#exact.get(lower);
    if (exact !== undefined) return exact;
    const dot = lower.indexOf('.');
    return dot < 1 ? undefined : this.#wildcard.get(lower.slice(dot + 1));
  }
}
