/** Settings as people read them: `--help` and the manual's table, both made from the declaration. */

import { placeholderOf, type Setting, type SettingDeclarations } from './setting-kinds.ts';
import { argumentFlag, environmentName } from './setting-sources.ts';

/** Columns of a terminal that help keeps to. */
const helpColumns = 100;

/** The text of `--help`: usage, then every setting in the order of its declaration. Ends with a newline. */
export function renderHelp(command: string, summary: string, declarations: SettingDeclarations): string {
  const lines = [summary, '', `Usage: ${command} [settings]`, ''];
  for (const setting of Object.values(declarations)) {
    lines.push(`  ${usageOf(setting)}`);
    for (const line of wrap(describe(setting), helpColumns - 6)) lines.push(`      ${line}`);
  }
  lines.push('', 'Each is also an environment variable: --data-dir is CAUSEWAY_DATA_DIR. A flag wins.');
  return `${lines.join('\n')}\n`;
}

/** A Markdown table with one row a setting, in the order of the declaration. Ends with a newline. */
export function renderMarkdownTable(declarations: SettingDeclarations): string {
  const rows = Object.values(declarations).map((setting) => {
    const standard = setting.default === undefined ? '' : `\`${setting.default}\``;
    const cells = [`\`${usageOf(setting)}\``, `\`${variableOf(setting)}\``, standard, setting.help];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return ['| flag | environment | default | meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
}

function usageOf(setting: Setting): string {
  const placeholder = setting.secret ? 'PATH' : placeholderOf(setting);
  return placeholder === '' ? argumentFlag(setting) : `${argumentFlag(setting)} ${placeholder}`;
}

function variableOf(setting: Setting): string {
  const name = environmentName(setting.flag);
  return setting.secret ? `${name}, ${name}_FILE` : name;
}

function describe(setting: Setting): string {
  const notes: string[] = [];
  if (setting.default !== undefined) notes.push(`default ${setting.default}`);
  if (setting.repeatable || setting.kind === 'label') notes.push('may be repeated');
  if (setting.secret) notes.push(`also ${variableOf(setting)}`);
  return notes.length === 0 ? setting.help : `${setting.help} (${notes.join('; ')})`;
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
