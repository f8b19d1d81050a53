import type { ProblemDocumentCode } from '@causeway/model/api-types';
import type { PlanRefused } from '../validate/plan.ts';
import { ApiError } from './api-error.ts';

/** The problem document of a plan that was refused: nothing was written. */
export function refusal(
  { refused, problems }: PlanRefused,
  about: { subject?: string; documents?: number },
): ApiError {
  const code: ProblemDocumentCode = refused;
  return new ApiError(code, detailOf(refused, problems, about), { errors: problems });
}

function detailOf(
  refused: PlanRefused['refused'],
  problems: PlanRefused['problems'],
  about: { subject?: string; documents?: number },
): string {
  const nothing = about.documents === undefined ? 'nothing was written' : 'nothing was applied';
  switch (refused) {
    case 'invalid': {
      const wrong = new Set(problems.map((problem) => problem.document)).size;
      const where =
        about.documents === undefined ? '' : ` in ${wrong} of ${counted(about.documents, 'document')}`;
      return `${counted(problems.length, 'problem')}${where}, ${nothing}`;
    }
    case 'referenced': {
      const users = new Set(problems.map((problem) => problem.resource)).size;
      return about.subject === undefined
        ? `${counted(users, 'object')} would lose what they refer to, ${nothing}`
        : `${about.subject} is used by ${counted(users, 'object')}`;
    }
    case 'conflict':
      return problems.length === 1
        ? `${problems[0]!.detail}, ${nothing}`
        : `${counted(problems.length, 'object')} changed since they were read, ${nothing}`;
    case 'mass_deletion':
    case 'not_found':
      return problems.length === 1
        ? `${problems[0]!.detail}, ${nothing}`
        : `${counted(problems.length, 'object')} do not exist, ${nothing}`;
  }
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
