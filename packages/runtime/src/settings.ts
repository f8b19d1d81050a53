/**
 * Settings: one declaration gives the flag, the environment variable, the type, the help and the manual's table.
 * A flag beats the environment, the environment beats the default. All that is wrong is told at once.
 */

import { readFileSync } from 'node:fs';

import { closestName } from './closest-name.ts';
import { messageOf } from './errors.ts';
import { parseSettingText, type KindValue, type SettingKind } from './setting-kinds.ts';

export type Setting = SettingKind & {
  /** As it is typed: `--admin-addr`, read from the environment as `CAUSEWAY_ADMIN_ADDR`. */
  readonly flag: `--${string}`;
  /** One line for people: what it does, its unit, what happens without it. */
  readonly help: string;
  /** In the text form that a user would type. Absent: the value is `undefined` when nobody sets it. */
  readonly default?: string;
  /** May be given many times; in the environment the values are separated by commas. Labels always may. */
  readonly repeatable?: true;
  /**
   * Never taken from the command line, where every user of the machine can read it, but from a file (`--x-file PATH`,
   * `CAUSEWAY_X_FILE`, one trailing newline dropped) or from `CAUSEWAY_X`. Never echoed.
   */
  readonly secret?: true;
};

/** By the name that the value has in the program: `{ adminAddress: { flag: '--admin-addr', ... } }`. */
export type SettingDeclarations = Readonly<Record<string, Setting>>;

/** The typed values of a declaration. Labels are one record; a repeatable setting is a list, empty when nobody set it. */
export type SettingValues<D extends SettingDeclarations> = { readonly [K in keyof D]: ValueOf<D[K]> };

type ValueOf<S extends Setting> = S extends { readonly kind: 'label' }
  ? Readonly<Record<string, string>>
  : S extends { readonly repeatable: true }
    ? readonly KindValue<S>[]
    : S extends { readonly default: string }
      ? KindValue<S>
      : S extends { readonly kind: 'boolean' }
        ? boolean
        : KindValue<S> | undefined;

export type SettingsResult<D extends SettingDeclarations> =
  | { readonly outcome: 'values'; readonly values: SettingValues<D> }
  | { readonly outcome: 'help' }
  | { readonly outcome: 'problems'; readonly problems: readonly string[] };

/** What a process exits with when its settings are wrong (EX_CONFIG of sysexits.h). */
export const settingsExitCode = 78;

/** A whole secret is a line or a PEM block; a larger file is a mistake, and is not read. */
const secretBytesMax = 64 * 1024;

/** Returns its argument; it is there so that TypeScript keeps kinds and choices as literals. */
export function declareSettings<const D extends SettingDeclarations>(declarations: D): D {
  return declarations;
}

/** `CAUSEWAY_ADMIN_ADDR` for `--admin-addr`. */
export function environmentName(flag: string): string {
  return `CAUSEWAY_${flag.slice('--'.length).replaceAll('-', '_').toUpperCase()}`;
}

/**
 * Reads the settings from `argv` (what follows the command) and `env`, of which an empty variable counts as absent.
 * `help` when `--help` or `-h` is among the arguments, whatever else is there. Problems are whole sentences, arguments
 * first in their order, then the environment; none holds the text of a secret. Reads secret files, synchronously.
 */
export function readSettings<D extends SettingDeclarations>(
  declarations: D,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): SettingsResult<D> {
  const problems: string[] = [];
  const given = readArguments(declarations, argv, problems);
  if (given === 'help') return { outcome: 'help' };
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(declarations)) {
    const source = given.get(setting) ?? readEnvironment(setting, env, problems) ?? defaultOf(setting);
    values[name] = parseTexts(setting, source, problems);
  }
  // The loop above gives every declared name the value of its own kind, which is what SettingValues says.
  if (problems.length === 0) return { outcome: 'values', values: values as SettingValues<D> };
  return { outcome: 'problems', problems };
}

/** Where texts of one setting came from, for the sentence when they are wrong. */
interface Source {
  readonly from: string;
  readonly texts: readonly string[];
}

type Given = Map<Setting, Source>;

/** The flag that takes the value on the command line: a secret's takes a file. */
export function argumentFlag(setting: Setting): string {
  return setting.secret ? `${setting.flag}-file` : setting.flag;
}

function readArguments(
  declarations: SettingDeclarations,
  argv: readonly string[],
  problems: string[],
): Given | 'help' {
  const byFlag = new Map(Object.values(declarations).map((setting) => [argumentFlag(setting), setting]));
  const given: Given = new Map();
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const { flag, inline } = splitWord(word);
    if (flag === '--help' || flag === '-h') return 'help';
    const setting = byFlag.get(flag);
    if (setting === undefined) {
      problems.push(unknownWord(flag, byFlag, declarations));
      // What follows an unknown flag is most likely its value; a second complaint about it would only distract.
      if (inline === undefined && isValue(rest[0])) rest.shift();
      continue;
    }
    const text = inline ?? takeValue(setting, rest);
    if (text === undefined) problems.push(`${flag} needs a value: write ${flag} VALUE or ${flag}=VALUE.`);
    else keep(given, setting, flag, text, problems);
  }
  return given;
}

function splitWord(word: string): { readonly flag: string; readonly inline?: string } {
  const equals = word.indexOf('=');
  if (!word.startsWith('--') || equals < 0) return { flag: word };
  return { flag: word.slice(0, equals), inline: word.slice(equals + 1) };
}

function takeValue(setting: Setting, rest: string[]): string | undefined {
  if (setting.kind === 'boolean') return 'true';
  return isValue(rest[0]) ? rest.shift() : undefined;
}

function isValue(word: string | undefined): boolean {
  return word !== undefined && !word.startsWith('--');
}

function keep(given: Given, setting: Setting, flag: string, text: string, problems: string[]): void {
  const before = given.get(setting);
  if (before !== undefined && !isRepeatable(setting)) {
    problems.push(`${flag} is given twice: keep one.`);
    return;
  }
  const texts = setting.secret ? readSecretFile(flag, text, problems) : [text];
  given.set(setting, { from: flag, texts: [...(before?.texts ?? []), ...texts] });
}

function unknownWord(flag: string, byFlag: Map<string, Setting>, declarations: SettingDeclarations): string {
  if (!flag.startsWith('-')) return `unexpected argument "${flag}": settings are written --name VALUE.`;
  const secret = Object.values(declarations).find((setting) => setting.secret && setting.flag === flag);
  if (secret !== undefined) {
    return `${flag} would show a secret to every user of this machine: use ${argumentFlag(secret)} PATH or ${environmentName(flag)}.`;
  }
  const near = closestName(flag, byFlag.keys());
  const hint = near === undefined ? 'see --help for what there is' : `did you mean ${near}?`;
  return `unknown setting ${flag} (${hint})`;
}

function readEnvironment(
  setting: Setting,
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Source | undefined {
  const name = environmentName(setting.flag);
  const text = env[name];
  const fileName = `${name}_FILE`;
  const file = setting.secret ? env[fileName] : undefined;
  if (text && file) {
    problems.push(`${name} and ${fileName} are both set: keep one.`);
    return undefined;
  }
  if (file) return { from: fileName, texts: readSecretFile(fileName, file, problems) };
  if (!text) return undefined;
  return { from: name, texts: isRepeatable(setting) ? text.split(',').map((part) => part.trim()) : [text] };
}

function readSecretFile(from: string, path: string, problems: string[]): readonly string[] {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= secretBytesMax) return [bytes.toString('utf8').replace(/\r?\n$/, '')];
    problems.push(`${from}: ${path} is larger than ${secretBytesMax} bytes, so it holds no secret.`);
  } catch (error) {
    problems.push(`${from}: the file cannot be read: ${messageOf(error)}.`);
  }
  return [];
}

function defaultOf(setting: Setting): Source {
  return {
    from: `default of ${setting.flag}`,
    texts: setting.default === undefined ? [] : [setting.default],
  };
}

function parseTexts(setting: Setting, source: Source, problems: string[]): unknown {
  const values: unknown[] = [];
  for (const text of source.texts) {
    const parsed = parseSettingText(setting, text);
    if ('value' in parsed) values.push(parsed.value);
    else problems.push(`${source.from}: ${setting.secret ? 'the secret' : `"${text}"`} ${parsed.wrong}.`);
  }
  if (setting.kind === 'label') return Object.fromEntries(values as [string, string][]);
  if (isRepeatable(setting)) return values;
  return setting.kind === 'boolean' ? (values[0] ?? false) : values[0];
}

function isRepeatable(setting: Setting): boolean {
  return setting.repeatable === true || setting.kind === 'label';
}
