import type { NodeDrainReport, NodeResource, NodeStreams } from '@causeway/model/api-types';
import { shownKey } from '../object-key.ts';
import { age, tookTime } from '../output/age.ts';
import { nodeStatus } from '../output/columns/node.ts';
import { counted } from '../output/counted.ts';
import type { Session } from '../session.ts';
import { type Description, labelsText } from './description.ts';

export async function describeNode(session: Session, node: NodeResource): Promise<Description> {
  const { io, client } = session;
  const { metadata, spec, status } = node;
  const { state, version, desiredRevision, appliedRevision, problems } = status;
  const plane = await client.version();
  const next = state === 'REJECTED' ? await nextTry(session, node) : '';
  const ago = (time: string): string => `${age(time, io.nowMs())} ago`;
  return {
    fields: [
      ['Name', metadata.name],
      ['Labels', labelsText(metadata.labels)],
      ['Gateway', spec.gateway],
      ['Version', version === plane.version ? version : `${version} (control plane ${plane.version})`],
      ['Status', nodeStatus(node)],
      ['Desired', `${desiredRevision} (${ago(status.desiredSince)})`],
      ['Applied', appliedRevision === 0 ? 'nothing yet' : `${appliedRevision} (${ago(status.appliedSince)})`],
      ['Workers', workersText(status)],
      ['Connections', String(status.connections)],
      ['Streams', streamsText(status.streams)],
      ['Drain', status.drain && drainText(status.drain)],
      ['First seen', ago(metadata.creationTimestamp)],
      ['Last seen', ago(status.lastSeen)],
    ],
    sections: [
      { title: 'Streams by revision that admitted them', close: true, lines: await revisions(session, node) },
      {
        title: `Problems of revision ${desiredRevision}`,
        close: true,
        lines: problems.map(
          ({ reason, resource, pointer, detail }) =>
            `${reason} ${shownKey(resource, session.namespace)} ${pointer}: ${detail}${next}`,
        ),
      },
    ],
  };
}

/** `203 WebSockets, 12 event streams` */
function streamsText({ webSockets, events, records }: NodeStreams): string | undefined {
  const parts = [
    ...(webSockets > 0 ? [counted(webSockets, 'WebSocket')] : []),
    ...(events > 0 ? [counted(events, 'event stream')] : []),
    ...(records > 0 ? [counted(records, 'record stream')] : []),
  ];
  return parts.join(', ') || undefined;
}

function drainText({ connections, ended, closed, cut, done }: NodeDrainReport): string {
  const gone = `${ended} ended by themselves, ${closed} closed, ${cut} cut`;
  return done ? `done: ${gone}` : `${gone}, of ${counted(connections, 'connection')}`;
}

/** `revision 49: 1200`; nothing of a node that has no streams, or is away. */
async function revisions({ client }: Session, { metadata, status }: NodeResource): Promise<string[]> {
  const { webSockets, events, records } = status.streams;
  if (status.state === 'OFFLINE' || webSockets + events + records === 0) return [];
  const asked = await client.connections({ fieldSelector: `node=${metadata.name}`, limit: 1 });
  return asked.metadata.byRevision.map(({ revision, count }) => `revision ${revision}: ${count}`);
}

function workersText({ workers, workersToReplace }: NodeResource['status']): string {
  return workersToReplace === undefined
    ? String(workers)
    : `${workers} (${workersToReplace} still to be replaced)`;
}

/** `; next in 32s`, while the node tries again by itself. */
async function nextTry({ client }: Session, { metadata, status }: NodeResource): Promise<string> {
  const { nodes } = await client.revisionStatus(status.desiredRevision);
  const nextTryInMs = nodes.find(({ node }) => node === metadata.name)?.nextTryInMs;
  return nextTryInMs === undefined ? '' : `; next in ${tookTime(nextTryInMs)}`;
}
