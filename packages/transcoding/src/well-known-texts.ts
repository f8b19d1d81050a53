/** Texts that stand for messages in JSON: moments, spans of time and masks (https://protobuf.dev/programming-guides/json/). */

import { TranscodingFault } from './fault.ts';

export interface Seconds {
  readonly seconds: number;
  /** 0 to 999,999,999; of a span before 0 down to -999,999,999. */
  readonly nanos: number;
}

// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
const secondsMin = -62_135_596_800;
const secondsMax = 253_402_300_799;
/** 10,000 years. */
const spanMax = 315_576_000_000;

const timestamp =
  /^(\d{4}-\d\d-(\d\d))T(([01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,9}))?(Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const duration = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;

/** RFC 3339. */
export function parseTimestamp(text: string): Seconds {
  const [, date, day, time, , fraction, zone] = timestamp.exec(text) ?? [];
  const localMs = Date.parse(`${date}T${time}Z`);
  const isDay = new Date(localMs).getUTCDate() === Number(day);
  const seconds = Date.parse(`${date}T${time}${zone}`) / 1000;
  if (!isDay || !(seconds >= secondsMin && seconds <= secondsMax))
    throw new TranscodingFault('must be a moment such as 2030-01-31T09:30:00Z');
  return { seconds, nanos: nanosOf(fraction) };
}

export function parseDuration(text: string): Seconds {
  const [, sign, whole, fraction] = duration.exec(text) ?? [];
  if (whole === undefined || Number(whole) > spanMax)
    throw new TranscodingFault('must be seconds such as 1.5s');
  const factor = sign === '-' ? -1 : 1;
  return { seconds: Number(whole) * factor + 0, nanos: nanosOf(fraction) * factor + 0 };
}

/** `userName,address.city` to `user_name` and `address.city`. */
export function parseFieldMask(text: string): string[] {
  if (text === '') return [];
  return text.split(',').map((path) => {
    if (!/^[A-Za-z0-9.]+$/.test(path))
      throw new TranscodingFault('must be fields such as userName,address.city');
    return path.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  });
}

/** Undefined: no such moment. */
export function formatTimestamp({ seconds, nanos }: Seconds): string | undefined {
  if (seconds < secondsMin || seconds > secondsMax || nanos < 0 || nanos > 999_999_999) return undefined;
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fractionOf(nanos)}Z`;
}

/** Undefined: no such span. */
export function formatDuration({ seconds, nanos }: Seconds): string | undefined {
  if (Math.abs(seconds) > spanMax || Math.abs(nanos) > 999_999_999 || seconds * nanos < 0) return undefined;
  const sign = seconds < 0 || nanos < 0 ? '-' : '';
  return `${sign}${Math.abs(seconds)}${fractionOf(Math.abs(nanos))}s`;
}

/** Undefined: a path that JSON cannot name so that it would be read as the same again. */
export function formatFieldMask(paths: readonly string[]): string | undefined {
  const texts = paths.map((path) => path.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()));
  return paths.every((path) => /^[a-z0-9_.]*$/.test(path)) && texts.every((text) => !text.includes('_'))
    ? texts.join(',')
    : undefined;
}

function nanosOf(fraction: string | undefined): number {
  return Number((fraction ?? '').padEnd(9, '0'));
}

/** With 3, 6 or 9 digits. */
function fractionOf(nanos: number): string {
  if (nanos === 0) return '';
  const digits = String(nanos).padStart(9, '0');
  return `.${digits.replace(/^(\d{3}|\d{6})0{3,6}$/, '$1')}`;
}
