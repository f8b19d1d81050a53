import { isIP } from 'node:net';
import { RE2JS } from 're2js';
import { z } from 'zod';
import type { ProblemCode } from './problem.ts';
import { durationMsMax, durationPattern, parseDurationMs, parseSizeBytes, sizePattern } from './quantity.ts';

/**
 * The field types that every kind shares. Each carries its pattern and description into the JSON Schema, and its own
 * sentence into problems: zod gives an issue one string, so code, detail and hint travel in it encoded.
 */
const mark = '\u0001';

/** Encodes a problem as the message of a zod issue; {@link heard} takes it apart. */
export function say(code: ProblemCode, detail: string, hint?: string): string {
  return mark + JSON.stringify([code, detail, hint ?? null]);
}

/** The problem that {@link say} put into a message, or undefined for zod's own messages. */
export function heard(message: string): { code: ProblemCode; detail: string; hint?: string } | undefined {
  if (!message.startsWith(mark)) return undefined;
  // An absent hint has become null on its way through JSON.
  const [code, detail, hint] = JSON.parse(message.slice(mark.length)) as [ProblemCode, string, string | null];
  return hint === null ? { code, detail } : { code, detail, hint };
}

interface TextField {
  /** Noun phrase with article, as in `"x" is not a duration`. */
  noun: string;
  description: string;
  pattern?: RegExp;
  lengthMax?: number;
  /** What to write instead, when it can be guessed. */
  mend?: (input: unknown) => string | undefined;
  /** Where it cannot. */
  example?: string;
  /** Further check of a text that fits the pattern: a complaint, `bad_format` unless it says otherwise, or undefined. */
  check?: (text: string) => string | { code: ProblemCode; detail: string } | undefined;
}

/** A string field that answers every bad value, of whatever type, with one kind of sentence. */
function text(field: TextField): z.ZodString {
  const complain = (input: unknown): string => {
    const mended = field.mend?.(input);
    const example = field.example && `such as ${field.example}`;
    return say(
      'bad_format',
      `${shown(input)} is not ${field.noun}`,
      mended === undefined ? example : `did you mean ${JSON.stringify(mended)}?`,
    );
  };
  let schema = z.string({
    error: (issue) =>
      issue.input === undefined ? say('missing', `required: ${field.noun}`) : complain(issue.input),
  });
  const { pattern, check } = field;
  if (pattern) schema = schema.regex(pattern, { error: (issue) => complain(issue.input), abort: true });
  schema = schema.max(field.lengthMax ?? 1024, {
    error: () => say('out_of_range', `longer than ${field.lengthMax ?? 1024} characters`),
    abort: true,
  });
  if (check) {
    schema = schema.superRefine((value, context) => {
      const complaint = check(value);
      if (complaint === undefined) return;
      const { code, detail } =
        typeof complaint === 'string' ? { code: 'bad_format' as const, detail: complaint } : complaint;
      context.addIssue({ code: 'custom', message: say(code, detail) });
    });
  }
  return schema.describe(field.description);
}

/** A value as it stands in a sentence: bounded, so that a hostile document cannot make a huge answer. */
export function shown(input: unknown): string {
  const json = typeof input === 'bigint' ? String(input) : (JSON.stringify(input) ?? String(input));
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

/** A DNS label (RFC 1123), which every name is. */
export const namePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export const name = text({
  noun: 'a name (lower-case letters, digits and "-", at most 63)',
  description: 'DNS label (RFC 1123).',
  pattern: namePattern,
  lengthMax: 63,
  mend: (input) => (typeof input === 'string' && namePattern.test(slug(input)) ? slug(input) : undefined),
});

function slug(input: string): string {
  return input
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
}

function durationFrom(minMs: number): z.ZodString {
  const least = minMs > 1 ? `, at least ${minMs}ms` : minMs > 0 ? '; never 0s' : '';
  const tooShort =
    minMs > 1 ? `shorter than ${minMs}ms` : 'no time at all, and this limit cannot be switched off';
  return text({
    noun: 'a duration',
    example: '30s or 1h30m',
    description: `Duration such as 250ms, 10s, 1h30m or 7d${least}.`,
    pattern: durationPattern,
    mend: mendDuration,
    check: (value) => {
      const ms = parseDurationMs(value)!;
      const detail =
        ms > durationMsMax ? 'longer than the longest duration, 24d' : ms < minMs ? tooShort : undefined;
      return detail === undefined
        ? undefined
        : { code: 'out_of_range', detail: `${shown(value)} is ${detail}` };
    },
  });
}

export const duration = durationFrom(0);
/** Of limits that are never off. */
export const realDuration = durationFrom(1);
/** Of windows that are counted in tenths. */
export const windowDuration = durationFrom(1000);
/** Of checks, which must not be a load by themselves. */
export const checkInterval = durationFrom(100);

function mendDuration(input: unknown): string | undefined {
  if (typeof input === 'number' && Number.isInteger(input) && input >= 0 && input < 1e5) return `${input}s`;
  if (typeof input !== 'string') return undefined;
  const compact = input.replaceAll(' ', '').toLowerCase();
  return /^[0-9]{1,5}$/.test(compact) ? `${compact}s` : durationPattern.test(compact) ? compact : undefined;
}

/** A size; with bounds it is one that takes part in every request, and a mistyped unit must not switch it off. */
export function sizeWithin(bounds?: { min: string; max: string }): z.ZodString {
  return text({
    noun: 'a size',
    description: `Size in bytes such as 512B, 64KiB, 10MiB or 1GiB${bounds ? `, ${bounds.min} to ${bounds.max}` : ''}.`,
    pattern: sizePattern,
    mend: mendSize,
    check: (value) => {
      const bytes = parseSizeBytes(value)!;
      if (!Number.isSafeInteger(bytes))
        return { code: 'out_of_range', detail: `${shown(value)} is too large` };
      if (!bounds || (bytes >= parseSizeBytes(bounds.min)! && bytes <= parseSizeBytes(bounds.max)!))
        return undefined;
      return {
        code: 'out_of_range',
        detail: `${shown(value)} is out of range: ${bounds.min} to ${bounds.max}`,
      };
    },
  });
}

export const size = sizeWithin();
export const headSize = sizeWithin({ min: '256B', max: '1MiB' });
/** Of bodies that are kept in memory. */
export const keptBodySize = sizeWithin({ min: '0B', max: '16MiB' });

function mendSize(input: unknown): string | undefined {
  if (typeof input === 'number' && Number.isInteger(input) && input >= 0) return `${input}B`;
  const parts = typeof input === 'string' ? /^\s*([0-9]{1,12})\s*([kmg]?)i?b?\s*$/i.exec(input) : null;
  if (parts === null) return undefined;
  const unit = parts[2]!.toUpperCase();
  return `${parts[1]}${unit === '' ? 'B' : `${unit}iB`}`;
}

/** A host pattern of a Route or listener: exact, or `*.` and a suffix of which it takes one or more labels. */
export const hostPattern = text({
  noun: 'a host',
  description:
    'Host name, exact or *.suffix (one or more labels to the left), lower case, A-labels, no port.',
  pattern: /^(\*\.)?([a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)*$/,
  lengthMax: 253,
  mend: mendHost,
  check: (value) =>
    value.startsWith('*.') && isIP(value.slice(2))
      ? `${shown(value)} puts a wildcard before an address`
      : undefined,
});

function mendHost(input: unknown): string | undefined {
  if (typeof input !== 'string') return undefined;
  const bare = input
    .trim()
    .toLowerCase()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//, '')
    .replace(/[/?#].*$/, '')
    .replace(/:[0-9]+$/, '')
    .replace(/\.$/, '');
  return bare !== input && /^(\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(bare) ? bare : undefined;
}

/** Resolvers read such a name as an IPv4 address in disguise: `127.1`, `0x7f.1` (WHATWG URL, "ends in a number"). */
const endsInNumber = /(^|\.)([0-9]+|0x[0-9a-f]*)\.?$/i;

/** An endpoint's address: an IP address without brackets, or a DNS name. */
export const upstreamAddress = text({
  noun: 'an IP address or DNS name',
  description: 'IP address without brackets, or DNS name. Unix sockets are not supported.',
  lengthMax: 253,
  mend: mendHost,
  check: (value) => {
    if (isIP(value)) return undefined;
    if (value.startsWith('unix:') || value.startsWith('/')) return 'unix sockets are not supported';
    if (
      endsInNumber.test(value) ||
      !/^[a-z0-9_]([-a-z0-9_.]*[a-z0-9])?$/i.test(value) ||
      value.includes('..')
    ) {
      return `${shown(value)} is not an IP address or DNS name`;
    }
    return undefined;
  },
});

export const ipAddress = text({
  noun: 'an IP address',
  description: 'IP address without brackets; "::" listens on IPv6 and IPv4.',
  check: (value) => (isIP(value) ? undefined : `${shown(value)} is not an IP address`),
});

/** Name that a TLS peer is asked for and must prove: a DNS name, or an address that its certificate lists. */
export const serverName = text({
  noun: 'a server name (a DNS name or an IP address)',
  description: 'DNS name, lower case, or IP address, as it stands in the certificate of the peer.',
  lengthMax: 253,
  mend: mendHost,
  check: (value) =>
    isIP(value) || (dnsName.test(value) && !endsInNumber.test(value))
      ? undefined
      : `${shown(value)} is not a server name (a DNS name or an IP address)`,
});

const dnsName = /^[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?)*$/;

export const cidr = text({
  noun: 'an address or CIDR block',
  description: 'CIDR block such as 10.0.0.0/8 or 2001:db8::/32, or one address.',
  check: (value) => {
    const [address = '', bits, more] = value.split('/');
    const version = isIP(address);
    const bitsFit =
      bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
    return version !== 0 && bitsFit && more === undefined
      ? undefined
      : `${shown(value)} is not an address or CIDR block`;
  },
});

/** A moment, of calendars. */
export const timestamp = text({
  noun: 'a time',
  example: '2027-03-01T12:00:00Z',
  description: 'Time such as 2027-03-01T12:00:00Z (RFC 3339, UTC).',
  pattern: /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z$/,
  check: (value) => (Number.isNaN(Date.parse(value)) ? `${shown(value)} is not a time` : undefined),
});

export const port = integer('a port', 'TCP port.', 1, 65_535);
export const listenPort = integer('a port', 'TCP port; 0 takes any free port.', 0, 65_535);

export const headerName = text({
  noun: 'a header name',
  description: 'Header name; upper case is accepted and lowered.',
  pattern: /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/,
  lengthMax: 256,
}).toLowerCase();

export const method = text({
  noun: 'a method (an upper-case token)',
  description: 'HTTP method, upper case.',
  pattern: /^[!#$%&'*+.^_`|~0-9A-Z-]+$/,
  lengthMax: 64,
  mend: (input) => (typeof input === 'string' && /^[a-z-]+$/i.test(input) ? input.toUpperCase() : undefined),
});

/** Any one-line text; `noun` names it in problems. */
export function line(noun: string, description: string, lengthMax = 1024): z.ZodString {
  return text({ noun, description, lengthMax, pattern: /^[^\u0000-\u001f\u007f]+$/ });
}

export const grpcService = line('a service', 'Full name, with its package.', 256).regex(
  /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/,
  {
    error: (issue) => say('bad_format', `${shown(issue.input)} is not a name such as bookstore.v1.Bookstore`),
  },
);

/** Linear-time regular expression (RE2 syntax), anchored at both ends by whoever compiles it. */
export const regex = text({
  noun: 'a regular expression',
  description: 'Regular expression in RE2 syntax (linear time), anchored at both ends.',
  lengthMax: 1024,
  check: (value) => {
    try {
      RE2JS.compile(value);
      return undefined;
    } catch (error) {
      return `${shown(value)} is not a regular expression in RE2 syntax: ${(error as Error).message}`;
    }
  },
});

const pathCharacters = /^\/[^\u0000-\u0020\u007f-\uffff?#{}]*$/;

/** A literal path, exact or prefix, as it is compared with canonical request paths. */
export const literalPath = text({
  noun: 'a path',
  description: 'Path that begins with "/", percent-encoded where RFC 3986 wants it, without query.',
  pattern: pathCharacters,
  lengthMax: 2048,
  mend: (input) => {
    if (typeof input !== 'string') return undefined;
    const mended = `/${input
      .trim()
      .replace(/^\/+/, '')
      .replace(/[?#].*$/, '')}`;
    return mended !== input && pathCharacters.test(mended) ? mended : undefined;
  },
  check: (value) => {
    if (/%(?![0-9A-Fa-f]{2})/.test(value)) return `${shown(value)} has a "%" without two hex digits`;
    if (/(^|\/)\.{1,2}(\/|$)/.test(value))
      return `${shown(value)} has dot segments, which no request has when it is matched`;
    return undefined;
  },
});

export const templatePath = text({
  noun: 'a path template',
  description: 'Path in which {name} takes one segment and a last {name...} the rest.',
  pattern:
    /^(\/([^\u0000-\u0020\u007f-\uffff?#{}/]*|\{[A-Za-z_][A-Za-z0-9_]{0,63}\}))*(\/\{[A-Za-z_][A-Za-z0-9_]{0,63}\.\.\.\})?$/,
  lengthMax: 2048,
  check: (value) => {
    const names = [...value.matchAll(/\{([A-Za-z0-9_]+)/g)].map((found) => found[1]!);
    const twice = names.find((found, index) => names.indexOf(found) !== index);
    return twice === undefined ? undefined : `{${twice}} stands twice`;
  },
});

/** An integer field within inclusive bounds. */
export function integer(noun: string, description: string, min: number, max: number): z.ZodNumber {
  const range = (issue: { input?: unknown }): string =>
    say('out_of_range', `${shown(issue.input)} is out of range: ${noun} is ${min} to ${max}`);
  return z
    .number({
      error: (issue) =>
        issue.input === undefined
          ? say('missing', `required: ${noun}`)
          : say(
              'wrong_type',
              `${shown(issue.input)} is not ${noun} (a whole number)`,
              numberHint(issue.input),
            ),
    })
    .int({
      error: (issue) => say('wrong_type', `${shown(issue.input)} is not ${noun} (a whole number)`),
      abort: true,
    })
    .min(min, { error: range })
    .max(max, { error: range })
    .describe(description);
}

function numberHint(input: unknown): string | undefined {
  return typeof input === 'string' && /^-?[0-9]+$/.test(input)
    ? `write it without quotes: ${input}`
    : undefined;
}

/** A share of a hundred; fractions are allowed. */
export function percent(description: string): z.ZodNumber {
  const range = (issue: { input?: unknown }): string =>
    say('out_of_range', `${shown(issue.input)} is out of range: a percentage is 0 to 100`);
  return z
    .number({
      error: (issue) => say('wrong_type', `${shown(issue.input)} is not a percentage (a number, 0 to 100)`),
    })
    .min(0, { error: range })
    .max(100, { error: range })
    .describe(description);
}

/** One of a closed list of words. */
export function choice<const T extends readonly [string, ...string[]]>(description: string, words: T) {
  return z
    .enum(words, {
      error: (issue) =>
        issue.input === undefined
          ? say('missing', `required: one of ${words.join(', ')}`)
          : say('bad_format', `${shown(issue.input)} is not one of ${words.join(', ')}`),
    })
    .describe(description);
}

export function flag(description: string): z.ZodBoolean {
  return z
    .boolean({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not true or false`) })
    .describe(description);
}

/**
 * A list with a bound. `key` is the merge key: no two entries may agree in all its fields, and it stands in the JSON
 * Schema as `x-causeway-list-key` ('' for lists of plain values, which must differ from each other).
 */
export function list<T extends z.ZodType>(
  item: T,
  options: { description: string; max: number; min?: number; key?: string },
): z.ZodArray<T> {
  const { description, max, min = 0, key } = options;
  const schema = z
    .array(item, { error: (issue) => listTypeError(issue.input) })
    .max(max, { error: () => say('out_of_range', `more than ${max} entries`) })
    .min(min, {
      error: () => say('out_of_range', `needs at least ${min} ${min === 1 ? 'entry' : 'entries'}`),
    })
    .superRefine((entries: readonly unknown[], context) => {
      if (key === undefined) return;
      const seen = new Map<string, number>();
      for (const [index, entry] of entries.entries()) {
        const identity = listIdentity(entry, key);
        const first = seen.get(identity);
        if (first === undefined) seen.set(identity, index);
        else
          context.addIssue({
            code: 'custom',
            path: [index],
            message: say('duplicate', `the same ${key || 'value'} as entry ${first}`),
          });
      }
    });
  return schema.meta({ description, ...(key ? { 'x-causeway-list-key': key } : {}) });
}

function listTypeError(input: unknown): string {
  return input === undefined
    ? say('missing', 'required: a list')
    : say('wrong_type', `${shown(input)} is not a list`, `write [${shown(input)}]`);
}

function listIdentity(entry: unknown, key: string): string {
  if (key === '' || typeof entry !== 'object' || entry === null) return JSON.stringify(entry) ?? '';
  return JSON.stringify(key.split('+').map((field) => (entry as Record<string, unknown>)[field]));
}

/**
 * An object of fixed fields; anything else in it is an unknown field, and the issue's message lists the known ones.
 * `show` gives the text for a value that is no object at all; where it may be a secret it must not show it.
 */
export function object<T extends z.ZodRawShape>(shape: T, description?: string, show = shown) {
  const schema = z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? Object.keys(shape).join(' ')
        : issue.input === undefined
          ? say('missing', 'required')
          : say('wrong_type', `${show(issue.input)} is not a mapping`),
  });
  return description === undefined ? schema : schema.describe(description);
}

/**
 * An object of which exactly one field is given: a union that is spelled by its key. `beside` are fields that stand
 * beside the union, such as the name of what a predicate is about.
 */
export function oneOf<T extends z.ZodRawShape, B extends z.ZodRawShape>(
  shape: T,
  description: string,
  beside: B,
) {
  const keys = Object.keys(shape);
  return object({ ...beside, ...shape })
    .superRefine((value, context) => {
      const given = keys.filter((key) => (value as Record<string, unknown>)[key] !== undefined);
      if (given.length === 1) return;
      const wanted = `exactly one of ${keys.join(', ')}`;
      const message =
        given.length === 0
          ? say('missing', `needs ${wanted}`)
          : say('exclusive', `takes ${wanted}, not ${given.join(' and ')}`);
      context.addIssue({ code: 'custom', message });
    })
    .meta({ description, oneOf: keys.map((key) => ({ required: [key] })) });
}
