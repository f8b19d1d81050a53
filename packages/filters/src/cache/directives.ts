/** Cache-Control (RFC 9111 section 5.2), and dates of HTTP. */

/** Arguments by name, in lower case; empty of a directive without one. */
export type Directives = ReadonlyMap<string, string>;

/** What no number of seconds is: a directive that says two things says nothing that could be relied on (section 4.2.1). */
const contradiction = '?';

const directive = /([^\s",=;]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*)))?/g;

const none: Directives = new Map();

export function parseDirectives(value: string | undefined): Directives {
  if (value === undefined || value === '') return none;
  const directives = new Map<string, string>();
  for (const [, name = '', quoted, token = ''] of value.matchAll(directive)) {
    const key = name.toLowerCase();
    const argument = quoted ?? token;
    const before = directives.get(key);
    directives.set(key, before === undefined || before === argument ? argument : contradiction);
  }
  return directives;
}

/** Section 1.2.2: what is larger means the same. */
const secondsMax = 2_147_483_648;

/** Milliseconds; undefined: the directive is not there. What is no number of seconds is 0, the most careful reading. */
export function directiveMs(directives: Directives, name: string): number | undefined {
  const argument = directives.get(name);
  if (argument === undefined) return undefined;
  return /^\d+$/.test(argument) ? Math.min(Number(argument), secondsMax) * 1000 : 0;
}

/** RFC 9110 section 5.6.7: all three forms; undefined of what is none, such as `0`. */
export function parseHttpDate(value: string): number | undefined {
  for (const form of forms) {
    const { groups } = form.exec(value) ?? {};
    if (groups === undefined) continue;
    const month = months.indexOf(groups['month']!);
    const [day, hour, minute, second] = ['day', 'hour', 'minute', 'second'].map((part) =>
      Number(groups[part]),
    ) as [number, number, number, number];
    if (month < 0 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) return undefined;
    return Date.UTC(yearOf(groups['year']!), month, day, hour, minute, second);
  }
  return undefined;
}

const time = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})';
const forms = [
  new RegExp(`^[A-Z][a-z]{2}, (?<day>\\d{2}) (?<month>[A-Z][a-z]{2}) (?<year>\\d{4}) ${time} GMT$`),
  new RegExp(`^[A-Z][a-z]{5,8}, (?<day>\\d{2})-(?<month>[A-Z][a-z]{2})-(?<year>\\d{2}) ${time} GMT$`),
  new RegExp(`^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})$`),
];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Of two digits it is the last that is not more than 50 years ahead. */
function yearOf(digits: string): number {
  if (digits.length === 4) return Number(digits);
  const year = Number(digits) + 100 * Math.floor(new Date().getUTCFullYear() / 100);
  return year > new Date().getUTCFullYear() + 50 ? year - 100 : year;
}
