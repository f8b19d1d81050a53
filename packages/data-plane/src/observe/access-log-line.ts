/** An exchange as a line of text that no client can break out of. */

import type { ExchangeRecord } from '../proxy/exchange-record.ts';
import type { AccessLogSettings } from '../table/gateway-settings.ts';
import { clfTime, isoTime } from './log-time.ts';
import { redacted, redactQuery, redactUrl } from './redact-query.ts';

/** Gives the line of an exchange, with its line end; all of it is ASCII. */
export type LineFormat = (record: ExchangeRecord) => string;

type LineSettings = Pick<AccessLogSettings, 'format' | 'redactHeaders' | 'redactQuery'>;

/** What a line shows of the client's own words: header values and the query, redacted. Undefined = not sent, or not known. */
interface Words {
  host(record: ExchangeRecord): string | undefined;
  query(record: ExchangeRecord): string | undefined;
  referer(record: ExchangeRecord): string | undefined;
  userAgent(record: ExchangeRecord): string | undefined;
}

export function lineFormat(settings: LineSettings): LineFormat {
  const words = wordsOf(settings);
  switch (settings.format) {
    case 'json':
      return (record) => jsonLine(record, words);
    case 'common':
      return (record) => `${commonPart(record, words)}\n`;
    case 'combined':
      return (record) =>
        `${commonPart(record, words)} "${clfText(words.referer(record))}" "${clfText(words.userAgent(record))}"\n`;
  }
}

/** Choices are made here, once for all lines. */
function wordsOf({ redactHeaders, redactQuery: names }: LineSettings): Words {
  const hides = (header: string): boolean => redactHeaders.includes(header);
  const secret = new Set(names);
  return {
    host: hides('host') ? () => redacted : ({ host }) => (host === '' ? undefined : host),
    query: secret.size === 0 ? ({ query }) => query : ({ query }) => query && redactQuery(query, secret),
    referer: hides('referer')
      ? ({ referer }) => referer && redacted
      : ({ referer }) => referer && redactUrl(referer, secret),
    userAgent: hides('user-agent') ? ({ userAgent }) => userAgent && redacted : ({ userAgent }) => userAgent,
  };
}

/** Hot path: written by hand at a third of the cost of JSON.stringify, since most values need no escaping. */
function jsonLine(record: ExchangeRecord, words: Words): string {
  return (
    `{"time":"${isoTime(record.startedWallMs)}","requestId":${jsonText(record.requestId)},"method":${jsonText(record.method)},` +
    `"host":${jsonText(words.host(record))},"path":${jsonText(record.path)},"query":${jsonText(words.query(record))},` +
    `"protocol":${jsonText(record.protocol)},"status":${record.status},"reason":${jsonWord(record.reason)},` +
    `"route":${jsonWord(record.route)},"service":${jsonWord(record.service)},"endpoint":${jsonWord(record.endpoint)},` +
    `"affinity":${jsonWord(record.affinity)},` +
    `"client":${jsonText(record.client)},"referer":${jsonText(words.referer(record))},` +
    `"userAgent":${jsonText(words.userAgent(record))},"durationMs":${milliseconds(record.durationMs)},` +
    `"upstreamMs":${milliseconds(record.upstreamMs)},"bytesIn":${record.bytesIn},"bytesOut":${record.bytesOut},` +
    `${record.stream === undefined ? '' : streamPart(record)}${grpcPart(record)}${callerPart(record)}${record.tries > 1 ? `"tries":${record.tries},` : ''}"revision":${record.revision}}\n`
  );
}

/** Where filters found out who calls, looked into the cache, or are tried out. */
function callerPart({ consumer, shadow, cache }: ExchangeRecord): string {
  if (consumer === undefined && shadow === undefined && cache === undefined) return '';
  const stored = cache === undefined ? '' : `"cache":"${cache}",`;
  const caller = consumer === undefined ? stored : `"consumer":${jsonText(consumer)},${stored}`;
  return shadow === undefined ? caller : `${caller}"shadow":"${shadow}",`;
}

function grpcPart({ grpcStatus }: ExchangeRecord): string {
  return grpcStatus === undefined ? '' : `"grpcStatus":${grpcStatus},`;
}

function streamPart({ stream, closeCode, ended }: ExchangeRecord): string {
  const code = closeCode === undefined ? '' : `"closeCode":${closeCode},`;
  return `"stream":${jsonWord(stream)},${code}${ended === undefined ? '' : `"ended":"${ended}",`}`;
}

/** Printable ASCII without quote and backslash: such a text needs no escaping in any format. */
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

function jsonText(value: string | undefined): string {
  if (value === undefined) return 'null';
  if (plain.test(value)) return `"${value}"`;
  // JSON allows DEL and the C1 controls, which some terminals obey, and separators that end lines for some readers. So what is
  // not ASCII is escaped, and a line has a byte for each character.
  return JSON.stringify(value).replaceAll(/[\u007f-\uffff]/g, unicodeEscape);
}

/** Reasons, names of resources and ids of endpoints: words of ours, which have nothing to escape. */
function jsonWord(value: string | undefined): string {
  return value === undefined ? 'null' : `"${value}"`;
}

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Common Log Format, as Apache (`%h %l %u %t "%r" %>s %b`) and nginx write it; the user is the consumer. */
function commonPart(record: ExchangeRecord, words: Words): string {
  const client = clfText(record.client).replaceAll(' ', '\\x20');
  return `${client} - ${clfText(record.consumer).replaceAll(' ', '\\x20')} [${clfTime(record.startedWallMs)}] "${requestLine(record, words)}" ${record.status} ${record.bytesOut}`;
}

/** `-` for a request of which no more is known than that it was none. */
function requestLine(record: ExchangeRecord, words: Words): string {
  const { method, path, protocol } = record;
  if (path === undefined) return '-';
  const query = words.query(record);
  return clfText(`${method} ${path}${query === undefined ? '' : `?${query}`} ${protocol ?? 'HTTP/1.1'}`);
}

/** As nginx escapes: `\xHH` for quotes, backslashes and every byte that is not printable ASCII. */
function clfText(value: string | undefined): string {
  if (value === undefined || value === '') return '-';
  return plain.test(value) ? value : value.replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/gu, clfEscape);
}

/** Header values hold one character for each byte; anything else is written as its bytes in UTF-8. */
function clfEscape(character: string): string {
  const code = character.codePointAt(0)!;
  const bytes = code > 0xff ? Buffer.from(character) : [code];
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/** `.000` to `.999`: V8 spells a fraction at five times the cost of two integers. */
const fractions = Array.from(
  { length: 1000 },
  (_, thousandths) => `.${String(thousandths).padStart(3, '0')}`,
);

function milliseconds(value: number | undefined): string {
  if (value === undefined) return 'null';
  const microseconds = Math.round(value * 1000);
  return `${Math.floor(microseconds / 1000)}${fractions[microseconds % 1000]}`;
}
