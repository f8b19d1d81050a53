// What every parser of this package answers: problems in user input are data here, never thrown.

/** A value, or one sentence (no capital, no full stop) that says what is wrong with the text and how to mend it. */
export type Parsed<V> = { readonly ok: true; readonly value: V } | Unparsed;

export interface Unparsed {
  readonly ok: false;
  readonly detail: string;
}

export function parsed<V>(value: V): Parsed<V> {
  return { ok: true, value };
}

export function unparsed(detail: string): Unparsed {
  return { ok: false, detail };
}
