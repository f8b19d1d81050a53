// The repository's files as the rules see them: text for all, a syntax tree for TypeScript.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, type Program, Visitor, type VisitorObject } from 'oxc-parser';

export interface SourceFile {
  /** From the root of the repository, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** What a rule has to say about a place; the test prints it as `path:line: message`. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Finds what is wrong with one file. */
export type FileRule = (file: SourceFile) => Finding[];

const repository = join(import.meta.dirname, '../..');
const binary = /\.(png|ico|gz|zip|woff2?|snap|db)$/;

/** Every text file that git tracks or would track: `.gitignore` says what is not ours. */
export function repositoryFiles(): SourceFile[] {
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const paths = listed.split('\0').filter((path) => path !== '' && !binary.test(path));
  return paths
    .filter((path) => existsSync(join(repository, path)))
    .map((path) => ({ path, text: readFileSync(join(repository, path), 'utf8') }));
}

/** Generated code follows its generator's style, not ours. */
export function isGenerated({ path }: SourceFile): boolean {
  return path.includes('/gen/');
}

export function isTypeScript({ path }: SourceFile): boolean {
  return path.endsWith('.ts');
}

export function isTest({ path }: SourceFile): boolean {
  return path.endsWith('.test.ts') || path.startsWith('test/') || path.includes('/testing/');
}

/** The package that a path under `packages/` belongs to; `undefined` elsewhere. */
export function packageOf(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1];
}

export function finding(file: SourceFile, offset: number, message: string): Finding {
  return { path: file.path, line: file.text.slice(0, offset).split('\n').length, message };
}

const programs = new WeakMap<SourceFile, Program>();

/** Parses once per file. Throws on a syntax error. */
export function programOf(file: SourceFile): Program {
  const known = programs.get(file);
  if (known !== undefined) return known;
  const { program, errors } = parseSync(file.path, file.text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file.path}: ${error.message}`);
  programs.set(file, program);
  return program;
}

/** Walks the tree of a file with handlers by node type. */
export function visit(file: SourceFile, visitor: VisitorObject): void {
  new Visitor(visitor).visit(programOf(file));
}

export interface Import {
  readonly specifier: string;
  readonly offset: number;
  readonly typeOnly: boolean;
}

/** Every import, re-export, dynamic import and `import()` type of a file. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  const add = (source: { value: unknown; start: number }, typeOnly: boolean): void => {
    found.push({ specifier: String(source.value), offset: source.start, typeOnly });
  };
  visit(file, {
    ImportDeclaration: ({ source, importKind }) => add(source, importKind === 'type'),
    ExportNamedDeclaration: ({ source, exportKind }) => source && add(source, exportKind === 'type'),
    ExportAllDeclaration: ({ source, exportKind }) => add(source, exportKind === 'type'),
    ImportExpression: ({ source }) => source.type === 'Literal' && add(source, false),
    TSImportType: ({ source }) => add(source, true),
  });
  return found;
}

/** Every piece of string and template text of a file, without what is computed. */
export function stringsOf(file: SourceFile): { text: string; offset: number }[] {
  const found: { text: string; offset: number }[] = [];
  visit(file, {
    Literal: ({ value, start }) => typeof value === 'string' && found.push({ text: value, offset: start }),
    TemplateElement: ({ value, start }) => found.push({ text: value.cooked ?? value.raw, offset: start }),
  });
  return found;
}
