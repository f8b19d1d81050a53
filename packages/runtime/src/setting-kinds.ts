/** What a setting is, and what its text may be, by kind: one parser, one placeholder and one value type each. */

import { isIP } from 'node:net';

import { unreachable } from './assert.ts';
import { closestName } from './closest-name.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { parseListenAddress, type ListenAddress } from './listen-address.ts';

/** The declaration's part that depends on the kind. Bounds are inclusive; a duration's are milliseconds. */
export type SettingKind =
  | { readonly kind: 'string' | 'path' | 'address' | 'boolean' | 'label' | 'cidr' }
  | { readonly kind: 'integer' | 'duration'; readonly min: number; readonly max: number }
  | { readonly kind: 'choice'; readonly choices: readonly string[] };

/** One setting, as its program declares it. */
export type Setting = SettingKind & {
  /** As it is typed: `--admin-addr`, read from the environment as `CAUSEWAY_ADMIN_ADDR`. */
  readonly flag: `--${string}`;
  /** One line for people: what it does, its unit, what happens without it. */
  readonly help: string;
  /** In the text form that a user would type. Absent: the value is `undefined` when nobody sets it. */
  readonly default?: string;
  /** May be given many times, or once with commas between the values. Labels always may. */
  readonly repeatable?: true;
  /**
   * Never taken from the command line, where every user of the machine can read it, but from a file (`--x-file PATH`,
   * `CAUSEWAY_X_FILE`, one trailing newline dropped) or from `CAUSEWAY_X`. Never echoed.
   */
  readonly secret?: true;
};

/** By the name that the value has in the program: `{ adminAddress: { flag: '--admin-addr', ... } }`. */
export type SettingDeclarations = Readonly<Record<string, Setting>>;

/** What one occurrence of a setting of that kind yields; a duration is milliseconds, a label one `[key, value]`. */
export type KindValue<K extends SettingKind> = K extends {
  readonly kind: 'choice';
  readonly choices: infer C;
}
  ? C extends readonly (infer Choice)[]
    ? Choice
    : never
  : KindValues[K['kind']];

interface KindValues {
  string: string;
  path: string;
  address: ListenAddress;
  boolean: boolean;
  label: readonly [string, string];
  cidr: string;
  integer: number;
  duration: number;
  choice: string;
}

export type Parsed = { readonly value: KindValues[keyof KindValues] } | { readonly wrong: string };

/** Reads one occurrence. `wrong` completes the sentence `--flag: "text" ...`. */
export function parseSettingText(kind: SettingKind, text: string): Parsed {
  switch (kind.kind) {
    case 'string':
    case 'path':
      return text === '' ? wrong('is empty') : { value: text };
    case 'address':
      return orWrong(parseListenAddress(text), 'is no HOST:PORT (examples: 127.0.0.1:7080, [::1]:7080)');
    case 'boolean':
      return orWrong(booleans.get(text.toLowerCase()), 'is neither true nor false');
    case 'label':
      return parseLabel(text);
    case 'cidr':
      return orWrong(parseCidr(text), 'is no network (examples: 10.0.0.0/8, 2001:db8::/32, 192.0.2.1)');
    case 'integer':
      return within(/^-?\d{1,15}$/.test(text) ? Number(text) : undefined, kind, 'is no whole number', String);
    case 'duration':
      return within(
        parseDuration(text),
        kind,
        'is no duration (examples: 250ms, 10s, 1h30m)',
        formatDuration,
      );
    case 'choice':
      return parseChoice(kind.choices, text);
    default:
      return unreachable(kind);
  }
}

/** What stands for the value in help: `--admin-addr HOST:PORT`. Empty for a boolean, which needs no value. */
export function placeholderOf(kind: SettingKind): string {
  return kind.kind === 'choice' ? kind.choices.join('|') : placeholders[kind.kind];
}

const placeholders = {
  string: 'TEXT',
  path: 'PATH',
  address: 'HOST:PORT',
  boolean: '',
  label: 'KEY=VALUE',
  cidr: 'CIDR',
  integer: 'NUMBER',
  duration: 'DURATION',
} as const;

const booleans = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

function parseLabel(text: string): Parsed {
  const [key = '', ...rest] = text.split('=');
  if (key === '' || rest.length === 0) return wrong('is no KEY=VALUE (example: zone=eu-1)');
  return { value: [key, rest.join('=')] };
}

/** Accepts one address as the network that holds it alone. */
function parseCidr(text: string): string | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return undefined;
  if (prefix === undefined) return text;
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > (family === 4 ? 32 : 128)) return undefined;
  return text;
}

function parseChoice(choices: readonly string[], text: string): Parsed {
  if (choices.includes(text)) return { value: text };
  const near = closestName(text, choices);
  const hint = near === undefined ? '' : ` (did you mean "${near}"?)`;
  return wrong(`is none of ${choices.join(', ')}${hint}`);
}

function within(
  value: number | undefined,
  bounds: { readonly min: number; readonly max: number },
  otherwise: string,
  format: (value: number) => string,
): Parsed {
  if (value === undefined) return wrong(otherwise);
  if (value < bounds.min) return wrong(`is below the smallest allowed, ${format(bounds.min)}`);
  if (value > bounds.max) return wrong(`is above the largest allowed, ${format(bounds.max)}`);
  return { value };
}

function orWrong(value: KindValues[keyof KindValues] | undefined, otherwise: string): Parsed {
  return value === undefined ? wrong(otherwise) : { value };
}

function wrong(reason: string): Parsed {
  return { wrong: reason };
}
