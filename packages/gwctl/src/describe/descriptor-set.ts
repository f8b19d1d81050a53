import type { Resource } from '@causeway/model/resource';
import { sourceWord } from '../output/columns/descriptor-set.ts';
import type { Session } from '../session.ts';
import type { Description } from './description.ts';
import { conditionSection, headFields, nodeParts } from './standard-parts.ts';

/** Without the bytes, which say nothing to people. */
export async function describeDescriptorSet(session: Session, set: Resource): Promise<Description> {
  const nodes = await nodeParts(session, set);
  const { digest, files, pinnedAt, services = [] } = set.status ?? {};
  return {
    fields: [
      ...(await headFields(session, set)),
      ['From', sourceWord(set.spec)],
      ['Pinned', pinnedAt],
      ['Digest', digest],
      ['Files', files === undefined ? undefined : String(files)],
      ['Nodes', nodes.text],
    ],
    sections: [{ title: 'gRPC services', lines: services }, conditionSection(session, set), nodes.section],
  };
}
