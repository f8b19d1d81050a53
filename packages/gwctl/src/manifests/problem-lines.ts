import type { ApiProblem } from '@causeway/model/api-types';
import { exitCodes } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { counted } from '../output/counted.ts';
import type { FileProblem, ManifestDocument } from './manifest-file.ts';

/** Problems of documents, in the places where they stand in files. One that is about no document is not among them. */
export function fileProblems(
  problems: readonly ApiProblem[],
  documents: readonly ManifestDocument[],
): FileProblem[] {
  return problems.flatMap((problem) => {
    const document = documents[problem.document ?? -1];
    if (document === undefined) return [];
    const { pointer, detail, hint } = problem;
    return [{ file: document.file, ...document.position(problem), pointer, detail, hint }];
  });
}

/** `FILE:LINE:COL pointer: what is wrong (how to mend it)` for each problem, by file and line, and their count. */
export function problemsFailure(problems: readonly FileProblem[], outcome: string): Failure {
  const sorted = problems.toSorted(
    (a, b) => compare(a.file, b.file) || a.line - b.line || a.column - b.column,
  );
  return new Failure(`${counted(problems.length, 'problem')}, ${outcome}`, {
    above: sorted.map(problemLine),
    exitCode: exitCodes.invalid,
  });
}

function problemLine({ file, line, column, pointer, detail, hint }: FileProblem): string {
  const place = `${file}:${line}:${column}${pointer === '' ? '' : ` ${pointer}`}`;
  return `${place}: ${detail}${hint ? ` (${hint})` : ''}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
