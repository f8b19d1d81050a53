import { fieldOf } from '@causeway/model/kinds/kind';
import { kindNamed } from '@causeway/model/kinds/registry';
import type { FileProblem, ManifestDocument } from './manifest-file.ts';
import { problemsFailure } from './problem-lines.ts';

/** `-n shop` says where everything goes, so a document that says otherwise is a mistake. */
export function refuseOtherNamespaces(
  documents: readonly ManifestDocument[],
  namespace: string,
  outcome: string,
): void {
  const problems = documents.flatMap((document): FileProblem[] => {
    const written = fieldOf(fieldOf(document.value, 'metadata'), 'namespace');
    const kind = kindNamed(String(fieldOf(document.value, 'kind')));
    if (typeof written !== 'string' || written === namespace || kind?.namespaced === false) return [];
    const pointer = '/metadata/namespace';
    const detail = `${JSON.stringify(written)} here, ${JSON.stringify(namespace)} by -n`;
    return [{ file: document.file, ...document.position({ pointer, code: 'bad_format' }), pointer, detail }];
  });
  if (problems.length > 0) throw problemsFailure(problems, outcome);
}
