import { type Manifest } from '@causeway/model/resource';
import { validateDocument } from '@causeway/model/validate-document';
import type { FileProblem, ManifestDocument } from './manifest-file.ts';
import { fileProblems } from './problem-lines.ts';

/** Validates documents against the schemas that this program knows; references are not looked at. */
export function validateManifests(
  documents: readonly ManifestDocument[],
  namespace: string,
): { manifests: Manifest[]; problems: FileProblem[] } {
  const judged = documents.map(({ value }) => validateDocument(value, { namespace }));
  return {
    manifests: judged.flatMap(({ manifest }) => manifest ?? []),
    problems: judged.flatMap(({ problems = [] }, document) =>
      fileProblems(
        problems.map((problem) => ({ ...problem, document })),
        documents,
      ),
    ),
  };
}
