/** Values of single fields, as their JSON or the text of a parameter has them; each throws a message of what is wanted instead. */

import { TranscodingFault } from './fault.ts';
import type { EnumType } from './types.ts';

/** What JSON.parse gives; bigint where a number was read exactly. */
export type Json = string | number | bigint | boolean | null | readonly Json[] | JsonObject;

export type JsonObject = { readonly [name: string]: Json };

const numberText = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const integerText = /^-?\d+$/;
/** Of a 64-bit number, with its sign; more are no number, and BigInt takes long for very many. */
const digitsMax = 64;
const base64Text = /^[A-Za-z0-9+/_-]*={0,2}$/;
const bits64 = 2 ** 64;
const floatMax = 3.4028234663852886e38;
/** From here on a double rounds to more than a float holds. */
const floatOverflow = 3.4028235677973366e38;

export function toInteger(value: Json, min: number, max: number): number {
  const number = typeof value === 'string' && numberText.test(value) ? Number(value) : Number(numeric(value));
  if (!Number.isInteger(number)) throw wanted('a whole number', value);
  if (number < min || number > max) throw new TranscodingFault(`must be from ${min} to ${max}`);
  // Without the sign of -0.
  return number + 0;
}

/** Of 64 bits; a number that a double cannot tell from its neighbours is nobody's, unless it was read exactly. */
export function toInteger64(value: Json, min: bigint, max: bigint): number | bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && (value >= 0 || min < 0n)) return value + 0;
  const exact = exactInteger(value);
  if (exact === undefined) throw wanted('a whole number', value);
  if (exact < min || exact > max) throw new TranscodingFault(`must be from ${min} to ${max}`);
  return exact;
}

/** A number in a document that only its text tells: read it again, with `exactly`. Of what was read so, it is none. */
export class InexactNumber extends TranscodingFault {
  constructor() {
    super('must be a whole number');
  }
}

/** For JSON.parse: whole numbers that a double may not hold, as bigint. */
export function exactly(_key: string, value: Json, { source }: { source?: string }): Json {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !(Math.abs(value) <= bits64)) return value;
  if (source !== undefined && integerText.test(source)) return BigInt(source);
  return source !== undefined && /[eE]/.test(source) && Number.isInteger(value) ? BigInt(value) : value;
}

function exactInteger(value: Json): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return undefined;
    if (!Number.isSafeInteger(value) && Math.abs(value) <= bits64) throw new InexactNumber();
    return BigInt(value);
  }
  if (typeof value !== 'string' || value.length > digitsMax) return undefined;
  if (integerText.test(value)) return BigInt(value);
  const number = numberText.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(number) ? BigInt(number) : undefined;
}

export function toDouble(value: Json): number {
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return Number(value);
  const number = typeof value === 'string' && numberText.test(value) ? Number(value) : Number(numeric(value));
  if (Number.isNaN(number)) throw wanted('a number', value);
  if (!Number.isFinite(number)) throw new TranscodingFault('is more than a double holds');
  return number;
}

export function toFloat(value: Json): number {
  const number = toDouble(value);
  const size = Math.abs(number);
  if (size <= floatMax || (typeof value === 'string' && !Number.isFinite(number)) || Number.isNaN(number))
    return number;
  if (size >= floatOverflow) throw new TranscodingFault('is more than a float holds');
  return Math.sign(number) * floatMax;
}

export function toBoolean(value: Json): boolean {
  if (typeof value !== 'boolean') throw wanted('true or false', value);
  return value;
}

export function toText(value: Json): string {
  if (typeof value !== 'string') throw wanted('a string', value);
  if (!value.isWellFormed()) throw new TranscodingFault('holds half of a surrogate pair');
  return value;
}

/** Base64, of either alphabet, padded or not (RFC 4648 sections 4 and 5). */
export function toBytes(value: Json): Buffer {
  const text = typeof value === 'string' && base64Text.test(value) ? value.replace(/=+$/, '') : undefined;
  if (text === undefined || text.length % 4 === 1) throw wanted('base64', value);
  return Buffer.from(text, 'base64');
}

/** By a name that it has, or a number. */
export function toEnum(value: Json, type: EnumType): number {
  if (typeof value === 'string') return type.numbers.get(value)!;
  const number = toInteger(value, -2_147_483_648, 2_147_483_647);
  if (type.isClosed && !type.names.has(number)) throw new TranscodingFault(`is no value of ${type.name}`);
  return number;
}

export function objectOf(value: Json): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wanted('an object', value);
  return value as JsonObject;
}

function numeric(value: Json): number | bigint {
  return typeof value === 'number' || typeof value === 'bigint' ? value : Number.NaN;
}

export function wanted(what: string, value: Json): TranscodingFault {
  return new TranscodingFault(`must be ${what}, is ${kindOf(value)}`);
}

function kindOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'bigint') return 'a number';
  return typeof value === 'boolean' ? String(value) : `a ${typeof value}`;
}
