import type { SharedRecord } from '../counts/shared-records.ts';

/** A record that may be closed while tries still write to it: it is let go when the last of them is over. */
export class HeldRecord {
  readonly record: SharedRecord;
  #tries = 0;
  #isClosing = false;

  constructor(record: SharedRecord) {
    this.record = record;
  }

  begin(): void {
    this.#tries += 1;
  }

  finish(): void {
    this.#tries -= 1;
    if (this.#isClosing && this.#tries === 0) this.record.close();
  }

  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    if (this.#tries === 0) this.record.close();
  }
}
