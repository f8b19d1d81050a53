/** What judging a value may cost, in steps and not in time: no request may hold a worker, and all nodes decide alike. */

/** Schemas that refer to each other may be gone through so often for a value, and for each of its bytes: alternatives within alternatives multiply. */
const stepsFree = 10_000;
const stepsPerByte = 4;
/** Faults, also of alternatives that come to nothing, of which one takes up to 150 ns. */
const faultsFree = 100_000;
const faultsPerByte = 1;
/** Characters of texts times the size of the pattern, of which one takes up to 10 ns. */
const patternWorkFree = 32_000_000;
const patternWorkPerByte = 64;

/** Schemas themselves are judged without a bound. */
let stepsLeft = Infinity;
let faultsLeft = Infinity;
let patternWorkLeft = Infinity;

export class TooCostly extends Error {}

/** `bytes`: how large the value is on the wire. Throws TooCostly where `judge` costs more. */
export function withinBudget<T>(
  bytes: number,
  judge: () => T,
  faultsMax = faultsFree + faultsPerByte * bytes,
): T {
  faultsLeft = faultsMax;
  stepsLeft = stepsFree + stepsPerByte * bytes;
  patternWorkLeft = patternWorkFree + patternWorkPerByte * bytes;
  try {
    return judge();
  } finally {
    stepsLeft = Infinity;
    faultsLeft = Infinity;
    patternWorkLeft = Infinity;
  }
}

export function spendStep(): void {
  stepsLeft -= 1;
  if (stepsLeft < 0) throw new TooCostly();
}

export function spendFault(): void {
  faultsLeft -= 1;
  if (faultsLeft < 0) throw new TooCostly();
}

export function spendPatternWork(work: number): void {
  patternWorkLeft -= work;
  if (patternWorkLeft < 0) throw new TooCostly();
}
