/** Named readiness checks, reported in the lines that operators know from Kubernetes' `/readyz?verbose`. */

/** Undefined when all is well, else the reason in a few words. Cheap and without waiting: it runs at every probe. */
export type HealthCheck = () => string | undefined;

export interface HealthReport {
  readonly ok: boolean;
  /** One line a check, in the order in which they were added: `[+]store ok`, `[-]table failed: no table yet`. */
  readonly lines: readonly string[];
}

export class HealthChecks {
  readonly #checks = new Map<string, HealthCheck>();

  /** Adds a check, or replaces the one of that name. */
  set(name: string, check: HealthCheck): void {
    this.#checks.set(name, check);
  }

  report(): HealthReport {
    let ok = true;
    const lines: string[] = [];
    for (const [name, check] of this.#checks) {
      const reason = check();
      ok &&= reason === undefined;
      lines.push(reason === undefined ? `[+]${name} ok` : `[-]${name} failed: ${reason}`);
    }
    return { ok, lines };
  }
}
