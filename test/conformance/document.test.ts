// The tables are complete and true to the cases, and the page that users read is made of them.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { repository } from '../kit/processes.ts';
import { loadCases } from './case.ts';
import { decisions, deviations } from './decisions.ts';
import { conformanceDocument } from './document.ts';

const cases = ['reference.json', 'derived.json'].flatMap(loadCases);
const path = join(repository, 'docs/http-conformance.md');

function countsOf(): string {
  const count = (wanted: string): number => cases.filter(({ level }) => level === wanted).length;
  return `${cases.length} cases: ${count('MUST')} MUST, ${count('SHOULD')} SHOULD, ${count('POLICY')} POLICY.`;
}

describe('tables of the conformance cases', () => {
  test('every case has an id of its own', () => {
    assert.equal(new Set(cases.map(({ id }) => id)).size, cases.length);
  });

  test('every case of policy has one decision, and no other case has', () => {
    const wanted = cases.filter(({ level }) => level === 'POLICY').map(({ id }) => id);
    assert.deepEqual(decisions.map(({ id }) => id).toSorted(), wanted.toSorted());
  });

  test('a decision or deviation stays within what its case allows', () => {
    for (const { id, expect } of [...decisions, ...deviations]) {
      const each = cases.find((candidate) => candidate.id === id);
      assert.ok(each?.expect.status.includes(expect.prefer ?? -1), id);
    }
  });

  test('what is a MUST is nowhere deviated from without another answer that is allowed', () => {
    for (const { id } of deviations) {
      const each = cases.find((candidate) => candidate.id === id);
      assert.ok(each?.level === 'SHOULD' || each?.expect.prefer !== undefined, id);
    }
  });

  test('docs/http-conformance.md is made of them', () => {
    const text = conformanceDocument(decisions, deviations, countsOf());
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(path, text);
    assert.equal(readFileSync(path, 'utf8'), text, 'differs: UPDATE_GOLDEN=1');
  });
});
