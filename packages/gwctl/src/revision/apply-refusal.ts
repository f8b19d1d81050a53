import { AdminApiError } from '@causeway/admin-client/errors';
import type { ApiProblem, ProblemDocument } from '@causeway/model/api-types';
import { exitCodes } from '../exit-codes.ts';
import { Failure, indented, refused } from '../failure.ts';
import type { ManifestDocument } from '../manifests/manifest-file.ts';
import { fileProblems, problemsFailure } from '../manifests/problem-lines.ts';
import { shownKey } from '../object-key.ts';

/** The words for an apply that was refused as a whole; `outcome` such as `nothing was applied`. */
export function applyRefusal(
  error: unknown,
  documents: readonly ManifestDocument[],
  { namespace, outcome }: { namespace: string; outcome: string },
): unknown {
  if (!(error instanceof AdminApiError)) return error;
  const { problem } = error;
  if (problem.code === 'conflict') return conflict(problem, namespace, outcome);
  if (problem.code === 'referenced') return referenced(problem.errors, namespace);
  const found = fileProblems(problem.errors, documents);
  return found.length > 0 && found.length === problem.errors.length
    ? problemsFailure(found, outcome)
    : refused(problem);
}

function conflict({ errors, detail }: ProblemDocument, namespace: string, outcome: string): Failure {
  const keys = [...new Set(errors.map(({ resource }) => shownKey(resource ?? '', namespace)))];
  if (errors.length === 0) return new Failure(detail, { exitCode: exitCodes.conflict });
  return new Failure(`conflict on ${keys.join(', ')}, ${outcome}`, {
    below: errors.map((problem) => indented(`${problem.pointer}: ${problem.detail}`)),
    hint: errors.find(({ hint }) => hint !== undefined)?.hint,
    exitCode: exitCodes.conflict,
  });
}

/** One error for each object that others refer to, and the command that takes all of them away. */
export function referenced(errors: readonly ApiProblem[], namespace: string): Failure {
  const users = new Map<string, Set<string>>();
  for (const { resource = '', detail } of errors) {
    const target = detail.replace(/^refers to /, '').replace(/\S+\/\S+$/, (key) => shownKey(key, namespace));
    users.set(target, (users.get(target) ?? new Set()).add(shownKey(resource, namespace)));
  }
  const [first, ...more] = [...users].map(([target, keys]) => `${target} is used by ${[...keys].join(', ')}`);
  const targets = [...users.keys()].filter((target) => !target.includes(' '));
  const all = [...new Set([...targets, ...[...users.values()].flatMap((keys) => [...keys])])];
  return new Failure(first ?? 'something refers to it', {
    below: more.map(indented),
    hint:
      targets.length === users.size
        ? `delete those first, or all at once: gwctl delete ${all.join(' ')}`
        : 'change those first, or in the same apply',
    exitCode: exitCodes.conflict,
  });
}
