/** Which table is live, which old ones still have exchanges, and what may be let go when they have none. */

import type { ServiceHandle } from '../upstream/service-handle.ts';
import type { Table } from './table.ts';

/** A table with the count of exchanges that use it. */
export class TableGeneration {
  readonly table: Table;
  readonly #onIdle: () => void;
  #exchanges = 0;

  constructor(table: Table, onIdle: () => void) {
    this.table = table;
    this.#onIdle = onIdle;
  }

  get exchanges(): number {
    return this.#exchanges;
  }

  acquire(): this {
    this.#exchanges += 1;
    return this;
  }

  release(): void {
    this.#exchanges -= 1;
    if (this.#exchanges === 0) this.#onIdle();
  }
}

interface Retired {
  readonly generation: TableGeneration;
  /** Services that this generation was the last one to hold. */
  readonly leaving: readonly ServiceHandle[];
}

/**
 * An exchange acquires the live generation once and works with it to its end. Old generations are let go oldest first, so that a
 * Service is closed only when no older table, which holds it too, has an exchange left.
 */
export class TableGenerations {
  #live: TableGeneration | undefined;
  readonly #retired: Retired[] = [];

  get live(): TableGeneration | undefined {
    return this.#live;
  }

  /** Old tables that still have exchanges. */
  get retiredCount(): number {
    return this.#retired.length;
  }

  /** Publishes a table by one assignment. `leaving` are handles that the live table holds and the new one does not. */
  publish(table: Table, leaving: readonly ServiceHandle[]): void {
    const before = this.#live;
    this.#live = new TableGeneration(table, () => this.#letGo());
    if (before === undefined) return;
    this.#retired.push({ generation: before, leaving });
    this.#letGo();
  }

  #letGo(): void {
    while (this.#retired[0]?.generation.exchanges === 0) {
      for (const service of this.#retired.shift()!.leaving) service.close();
    }
  }
}
