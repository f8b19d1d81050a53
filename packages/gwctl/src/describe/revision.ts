import type { RevisionResource } from '@causeway/model/api-types';
import { changeText } from '../output/columns/revision.ts';
import { age } from '../output/age.ts';
import type { Session } from '../session.ts';
import type { Description } from './description.ts';

export async function describeRevision(session: Session, revision: RevisionResource): Promise<Description> {
  const { counts, state } = await session.client.revisionStatus(revision.revision);
  return {
    fields: [
      ['Revision', String(revision.revision)],
      ['Committed', `${revision.committedAt} (${age(revision.committedAt, session.io.nowMs())} ago)`],
      ['By', revision.author],
      ['With', revision.source],
      ['Message', revision.message],
      ['Nodes', `${counts.applied} of ${counts.total} have it (${state})`],
    ],
    sections: [{ title: 'Changes', lines: revision.changes.map(changeText) }],
  };
}
