/** Where the texts of settings come from: arguments, environment variables, and files for secrets. */

import { readFileSync } from 'node:fs';

import { closestName } from './closest-name.ts';
import { messageOf } from './errors.ts';
import type { Setting, SettingDeclarations } from './setting-kinds.ts';

/** A whole secret is a line or a PEM block; a larger file is a mistake, and is not read. */
const secretBytesMax = 64 * 1024;

/** Where texts of one setting came from, for the sentence when they are wrong. */
export interface Source {
  readonly from: string;
  readonly texts: readonly string[];
}

export type Given = Map<Setting, Source>;

/** `CAUSEWAY_ADMIN_ADDR` for `--admin-addr`. */
export function environmentName(flag: string): string {
  return `CAUSEWAY_${flag.slice('--'.length).replaceAll('-', '_').toUpperCase()}`;
}

/** The flag that takes the value on the command line: a secret's takes a file. */
export function argumentFlag(setting: Setting): string {
  return setting.secret ? `${setting.flag}-file` : setting.flag;
}

/** The texts on the command line, or `help` when it asks for it. What is wrong goes to `problems`. */
export function readArguments(
  declarations: SettingDeclarations,
  argv: readonly string[],
  problems: string[],
): Given | 'help' {
  const byFlag = settingsByFlag(declarations);
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

/** The words of `argv` that set what is declared, in their order: what a process hands on to one that it starts. */
export function selectArguments(declarations: SettingDeclarations, argv: readonly string[]): string[] {
  const byFlag = settingsByFlag(declarations);
  const selected: string[] = [];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const { flag, inline } = splitWord(word);
    const setting = byFlag.get(flag);
    if (setting === undefined) continue;
    selected.push(word);
    const value = inline === undefined && setting.kind !== 'boolean' ? takeValue(setting, rest) : undefined;
    if (value !== undefined) selected.push(value);
  }
  return selected;
}

function settingsByFlag(declarations: SettingDeclarations): Map<string, Setting> {
  return new Map(Object.values(declarations).map((setting) => [argumentFlag(setting), setting]));
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
  const texts = setting.secret ? readSecretFile(flag, text, problems) : splitTexts(setting, text);
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

/** The texts in the environment, undefined when it has none for this setting. */
export function readEnvironment(
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
  return { from: name, texts: splitTexts(setting, text) };
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

/** A repeatable setting may also be given as one text with commas; in the environment there is no other way. */
export function splitTexts(setting: Setting, text: string): readonly string[] {
  return isRepeatable(setting) ? text.split(',').map((part) => part.trim()) : [text];
}

/** Whether a setting takes many values. */
export function isRepeatable(setting: Setting): boolean {
  return setting.repeatable === true || setting.kind === 'label';
}
