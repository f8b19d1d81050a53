/** Files of resources: parsed here for their positions, judged by the server. */

import { fieldOf } from '@causeway/model/kinds/kind';
import { pathOf } from '@causeway/model/problem';
import { type Document, LineCounter, parseAllDocuments } from 'yaml';
import { locate, type Position } from './locate.ts';
import type { ApiProblem } from '@causeway/model/api-types';

/** One resource in a file. */
export interface ManifestDocument {
  file: string;
  /** Line on which it begins. */
  line: number;
  value: unknown;
  position(problem: Pick<ApiProblem, 'pointer' | 'code'>): Position;
}

/** Something wrong at a place in a file. */
export interface FileProblem extends Position {
  file: string;
  /** '' when it is about the file as text. */
  pointer: string;
  detail: string;
  hint?: string | undefined;
}

export interface ParsedFile {
  documents: ManifestDocument[];
  problems: FileProblem[];
}

/** Our words where the library's would puzzle. */
const complaints: ReadonlyMap<string, string> = new Map([
  ['DUPLICATE_KEY', 'this key stands twice'],
  ['NON_STRING_KEY', 'a key that is not plain text'],
]);

/** Problems of one file that are told. */
const problemsMax = 20;
/** As the server has it: an alias may be used so often. */
const aliasesMax = 100;

/** Parses YAML (JSON is YAML): any number of documents, each a resource or a `kind: List` of them. Empty ones do not count. */
export function parseManifestFile(file: string, text: string): ParsedFile {
  const lines = new LineCounter();
  const options = { lineCounter: lines, prettyErrors: false, uniqueKeys: true, stringKeys: true } as const;
  const parsed = parseAllDocuments(text, options) as Document.Parsed[];
  const problems: FileProblem[] = [];
  const documents: ManifestDocument[] = [];
  for (const document of parsed) {
    for (const { pos, code, message } of document.errors) {
      const { line, col } = lines.linePos(pos[0]);
      const detail = complaints.get(code) ?? `not YAML: ${sentence(message)}`;
      problems.push({ file, line, column: col, pointer: '', detail });
    }
    if (document.errors.length > 0) continue;
    try {
      for (const resource of resourcesIn(file, document, lines)) documents.push(resource);
    } catch (error) {
      const start = locate(document, lines, [], 'bad_format');
      problems.push({ file, ...start, pointer: '', detail: (error as Error).message });
    }
  }
  return { documents, problems: problems.slice(0, problemsMax) };
}

function resourcesIn(file: string, document: Document.Parsed, lines: LineCounter): ManifestDocument[] {
  const value: unknown = document.toJS({ maxAliasCount: aliasesMax });
  if (value === null || value === undefined) return [];
  const at = (prefix: readonly string[], resource: unknown): ManifestDocument => {
    refuseWithoutJson(resource);
    return {
      file,
      line: locate(document, lines, prefix, 'bad_format').line,
      value: resource,
      position: ({ pointer, code }) => locate(document, lines, [...prefix, ...pathOf(pointer)], code),
    };
  };
  const items = fieldOf(value, 'kind') === 'List' ? fieldOf(value, 'items') : undefined;
  return Array.isArray(items)
    ? items.map((item: unknown, index) => at(['items', String(index)], item))
    : [at([], value)];
}

/** JSON would turn these numbers into null, which means absent. */
function refuseWithoutJson(value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${value} has no form in JSON`);
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(refuseWithoutJson);
}

function sentence(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).split('\n')[0]!;
}
