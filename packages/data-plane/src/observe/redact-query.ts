import { unescape } from 'node:querystring';

/** What stands in the place of a value that must not be logged. */
export const redacted = '-';

/** The query with the values of these parameters replaced. Names are compared as the upstream decodes them. */
export function redactQuery(query: string, names: ReadonlySet<string>): string {
  if (names.size === 0) return query;
  return query
    .split('&')
    .map((part) => {
      const equals = part.indexOf('=');
      if (equals === -1) return part;
      const name = part.slice(0, equals);
      return names.has(decodedName(name)) ? `${name}=${redacted}` : part;
    })
    .join('&');
}

/** A URL, or any text with a query in it, redacted likewise. */
export function redactUrl(url: string, names: ReadonlySet<string>): string {
  const question = url.indexOf('?');
  if (question === -1 || names.size === 0) return url;
  const hash = url.indexOf('#', question);
  const end = hash === -1 ? url.length : hash;
  return url.slice(0, question + 1) + redactQuery(url.slice(question + 1, end), names) + url.slice(end);
}

/** `unescape` leaves a broken escape as it is, and never throws. */
function decodedName(name: string): string {
  return /[%+]/.test(name) ? unescape(name.replaceAll('+', ' ')) : name;
}
