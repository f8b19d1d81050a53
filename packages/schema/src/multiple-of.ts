/** `multipleOf` as numbers are written, in decimals: 4.35 is a multiple of 0.01, and 0.0000000001 none of 1. */

import { str } from 'ajv/dist/2020.js';

export const multipleOf = {
  keyword: 'multipleOf',
  type: 'number',
  schemaType: 'number',
  validate: (step: number, value: number): boolean => isMultiple(value, step),
  error: { message: ({ schema }: { schema: unknown }) => str`must be multiple of ${schema as number}` },
} as const;

function isMultiple(value: number, step: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(step)) return value % step === 0;
  // The range of JSON numbers, and no numbers at all, as JSON.parse gives them.
  if (!Number.isFinite(value)) return false;
  const [digits, exponent] = decimal(value);
  const [stepDigits, stepExponent] = decimal(step);
  const shift = exponent - stepExponent;
  return shift < 0
    ? digits % (stepDigits * 10n ** BigInt(-shift)) === 0n
    : (digits * 10n ** BigInt(shift)) % stepDigits === 0n;
}

/** The shortest decimal that is this number: its digits, and how many zeros follow them. */
function decimal(value: number): [digits: bigint, exponent: number] {
  const [mantissa = '', exponent] = value.toExponential().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return [BigInt(whole + fraction), Number(exponent) - fraction.length];
}
