import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ProblemDocument, problemDocumentCodes } from '@causeway/model/api-types';
import { Failure, refused } from './failure.ts';

function problem(code: ProblemDocument['code'], status: number): ProblemDocument {
  return { type: '', title: '', status, code, detail: 'no', instance: '', requestId: '', errors: [] };
}

describe('failures', () => {
  it('have the exit code of what was refused', () => {
    const statuses: Partial<Record<ProblemDocument['code'], [status: number, exit: number]>> = {
      malformed: [400, 2],
      invalid: [422, 2],
      conflict: [409, 3],
      already_exists: [409, 3],
      referenced: [409, 3],
      mass_deletion: [409, 3],
      precondition_failed: [412, 3],
      rejected_by_nodes: [409, 4],
    };
    for (const code of problemDocumentCodes) {
      const [status, exit] = statuses[code] ?? [500, 1];
      assert.equal(refused(problem(code, status)).exitCode, exit, code);
    }
  });

  it('read error, then what belongs to it, then how to mend it', () => {
    const errors = [
      { code: 'conflict' as const, resource: 'route/default/a', pointer: '/spec', detail: 'b', hint: 'c' },
      { code: 'conflict' as const, pointer: '', detail: 'no' },
    ];
    const failure = refused({ ...problem('mass_deletion', 409), errors });
    assert.equal(
      failure.text(),
      'error: no\n  route/default/a /spec: b (c)\nhint: if that is meant, say --force',
    );
  });

  it('cannot act on a terminal', () => {
    assert.equal(new Failure('a\u001b[2J').text(), 'error: a\\u001b[2J');
  });
});
