/**
 * Settings: one declaration gives the flag, the environment variable, the type, the help and the manual's table.
 * A flag beats the environment, the environment beats the default. All that is wrong is told at once.
 */

import { parseSettingText, type KindValue, type Setting, type SettingDeclarations } from './setting-kinds.ts';
import { isRepeatable, readArguments, readEnvironment, splitTexts, type Source } from './setting-sources.ts';

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

/** Returns its argument; it is there so that TypeScript keeps kinds and choices as literals. */
export function declareSettings<const D extends SettingDeclarations>(declarations: D): D {
  return declarations;
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
  if (problems.length > 0) return { outcome: 'problems', problems };
  // The loop above gives every declared name the value of its own kind, which is what SettingValues says.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { outcome: 'values', values: values as SettingValues<D> };
}

function defaultOf(setting: Setting): Source {
  const texts = setting.default === undefined ? [] : splitTexts(setting, setting.default);
  return { from: `default of ${setting.flag}`, texts };
}

function parseTexts(setting: Setting, source: Source, problems: string[]): unknown {
  const values: unknown[] = [];
  for (const text of source.texts) {
    const parsed = parseSettingText(setting, text);
    if ('value' in parsed) values.push(parsed.value);
    else problems.push(`${source.from}: ${setting.secret ? 'the secret' : `"${text}"`} ${parsed.wrong}.`);
  }
  if (setting.kind === 'label') return Object.fromEntries(values.filter(isLabel));
  if (isRepeatable(setting)) return values;
  return setting.kind === 'boolean' ? (values[0] ?? false) : values[0];
}

function isLabel(value: unknown): value is [string, string] {
  return Array.isArray(value) && value.length === 2;
}
