/** The values of `format` that are checked; all others are not. Nothing here takes longer than its text is long. */

import { isIPv4, isIPv6 } from 'node:net';

const textLengthMax = 4096;

function matching(pattern: RegExp): (text: string) => boolean {
  return (text) => text.length <= textLengthMax && pattern.test(text);
}

/** RFC 3339 section 5.6. */
function isDate(text: string): boolean {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (parts === null) return false;
  const [year, month, day] = parts.slice(1).map(Number) as [number, number, number];
  const date = new Date(Date.UTC(year, month - 1, day));
  date.setUTCFullYear(year);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

const isTime = matching(
  /^([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,12})?(z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i,
);

function isDateTime(text: string): boolean {
  return /^.{10}[t ]/i.test(text) && isDate(text.slice(0, 10)) && isTime(text.slice(11));
}

function isUri(text: string): boolean {
  return text.length <= textLengthMax && /^[a-z][-a-z0-9+.]*:[!-~]*$/i.test(text) && URL.canParse(text);
}

const isHostname = matching(
  /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/i,
);

function isEmail(text: string): boolean {
  const at = text.lastIndexOf('@');
  return at > 0 && at <= 64 && /^[^\s@"<>(),:;]+$/.test(text.slice(0, at)) && isHostname(text.slice(at + 1));
}

function isRegex(text: string): boolean {
  try {
    return text.length <= textLengthMax && new RegExp(text, 'u').unicode;
  } catch {
    return false;
  }
}

const int32 = 2 ** 31;
const int64 = 2 ** 63;

export const formats = {
  date: isDate,
  time: isTime,
  'date-time': isDateTime,
  duration: matching(/^P(?=.)(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)$/),
  email: isEmail,
  hostname: isHostname,
  ipv4: isIPv4,
  ipv6: (text: string) => isIPv6(text) && !text.includes('%'),
  uri: isUri,
  uuid: matching(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i),
  'json-pointer': (text: string) => /^(\/([^~/]|~[01])*)*$/s.test(text),
  regex: isRegex,
  byte: (text: string) => text.length % 4 === 0 && /^[a-z0-9+/]*={0,2}$/i.test(text),
  int32: {
    type: 'number',
    validate: (value: number) => Number.isInteger(value) && value >= -int32 && value < int32,
  },
  int64: {
    type: 'number',
    validate: (
      value: number, // 2^63 - 1 is no other number than 2^63 here; what is beyond both is kept apart (number-text.ts).
    ) => Number.isInteger(value) && value >= -int64 && value <= int64,
  },
} as const;
