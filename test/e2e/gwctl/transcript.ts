// Sessions at the command line, compared with the ones that are kept: UPDATE_GOLDEN=1 writes them anew.

import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gwctl, type GwctlResult } from '../../kit/gwctl.ts';
import { tempDir } from '../../kit/temp-dir.ts';
import type { Owner } from '../../kit/owner.ts';

const goldenFolder = join(import.meta.dirname, 'golden');

/** Text that differs from run to run, such as a port, and the word that stands for it. */
export type Variables = readonly (readonly [text: string, word: string])[];

export interface TranscriptOptions {
  /** The file that GWCTL_CONFIG names. */
  config: string;
  variables?: Variables;
}

/** A session in a directory of its own. */
export async function startTranscript(owner: Owner, options: TranscriptOptions): Promise<Transcript> {
  return new Transcript(await tempDir(owner), options);
}

export class Transcript {
  readonly directory: string;
  readonly #options: TranscriptOptions;
  readonly #scenes: string[] = [];

  constructor(directory: string, options: TranscriptOptions) {
    this.directory = directory;
    this.#options = options;
  }

  /** Writes a file of the session's directory. */
  async file(name: string, text: string): Promise<void> {
    await writeFile(join(this.directory, name), text);
  }

  /** Runs `gwctl ...args` and notes what it said: stdout, then stderr with `2> ` before each line, then the exit code. */
  async gwctl(...args: readonly string[]): Promise<GwctlResult> {
    const { config, variables = [] } = this.#options;
    const result = await gwctl(args, { config, cwd: this.directory });
    const errors = result.stderr.replaceAll(/^(?=.)/gm, '2> ').replaceAll(/^$(?=\n)/gm, '2>');
    const exit = result.code === 0 ? '' : `exit ${result.code}\n`;
    const said = stable(`${result.stdout}${errors}`, [...variables, [this.directory, '<directory>']]);
    this.#scenes.push(`$ gwctl ${args.map(quoted).join(' ')}\n${said}${exit}`);
    return result;
  }

  /** Compares the session with the golden file of that name. */
  async matches(name: string): Promise<void> {
    const path = join(goldenFolder, `${name}.txt`);
    const actual = this.#scenes.join('\n');
    if (process.env['UPDATE_GOLDEN']) {
      await mkdir(goldenFolder, { recursive: true });
      await writeFile(path, actual);
    }
    assert.equal(actual, await readFile(path, 'utf8'), `${path} (UPDATE_GOLDEN=1 writes it anew)`);
  }
}

function quoted(argument: string): string {
  return /^[-\w./:=,@%]+$/.test(argument) ? argument : `'${argument}'`;
}

const span = String.raw`\d+(?:\.\d+)?(?:ms|[smhdy])(?:\d+[smhd])?`;
/** A time in a cell of a table, or in one of the phrases that tell one. */
const times = new RegExp(
  String.raw`(?<=   )${span}(?=   |$)|(?<=\b(?:after|next in|since) )${span}|${span}(?= ago\b)`,
  'gm',
);
const uuids = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;
const instants = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;

const keys = /\bcwk_[0-9A-Za-z_]+/g;

/** What differs from run to run, replaced; tables whose columns move with it are laid out anew. */
function stable(text: string, variables: Variables): string {
  const replaced = variables
    .reduce((now, [from, word]) => now.replaceAll(from, word), text)
    .replaceAll(uuids, '<uid>')
    .replaceAll(keys, '<key>')
    .replaceAll(instants, '<time>')
    .replaceAll(times, '<t>');
  return replaced.split('\n\n').map(realigned).join('\n\n');
}

function realigned(block: string): string {
  if (!/<\w+> {3}|   \S*<\w+>$/m.test(block)) return block;
  const rows = block.split('\n').map((line) => {
    const [, indent = '', rest = ''] = /^((?:2>)? *)(.*)$/.exec(line) ?? [];
    return { indent, cells: rest.split(/ {3,}/) };
  });
  const widths: number[] = [];
  for (const { cells } of rows) {
    if (cells.length === 1) continue;
    for (const [column, cell] of cells.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  }
  return rows
    .map(({ indent, cells }) =>
      cells.length === 1
        ? indent + cells[0]
        : indent +
          cells
            .map((cell, column) => cell.padEnd(widths[column]!))
            .join('   ')
            .trimEnd(),
    )
    .join('\n');
}
