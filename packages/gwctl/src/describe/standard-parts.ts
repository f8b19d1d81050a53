/** What descriptions of all written objects have in common. */

import { AdminApiError } from '@causeway/admin-client/errors';
import type { RevisionNode, RevisionResource } from '@causeway/model/api-types';
import type { Kind } from '@causeway/model/kinds/kind';
import type { Resource } from '@causeway/model/resource';
import { effectiveSpec } from '@causeway/model/validate-document';
import { age } from '../output/age.ts';
import { shortNodeName } from '../output/columns/node.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';
import { type Description, labelsText, type Section } from './description.ts';

/** Name, namespace, labels, annotations and the last change. */
export async function headFields(session: Session, resource: Resource): Promise<Description['fields']> {
  const { name, namespace, labels, annotations } = resource.metadata;
  return [
    ['Name', name],
    ['Namespace', namespace],
    ['Labels', labelsText(labels)],
    ['Annotations', annotations && labelsText(annotations)],
    ['Changed', await changedText(session, resource)],
  ];
}

/** `revision 46, 7m ago, by token/bob: "its own port"`, as far as the revision is still known. */
async function changedText({ client, io }: Session, { metadata }: Resource): Promise<string> {
  const { resourceVersion } = metadata;
  if (resourceVersion === '0') return 'never; it exists without being written';
  try {
    const { committedAt, author, message } = await client.get<RevisionResource>('revisions', resourceVersion);
    const why = message === '' ? '' : `: ${JSON.stringify(message)}`;
    return `revision ${resourceVersion}, ${age(committedAt, io.nowMs())} ago, by ${author}${why}`;
  } catch (error) {
    if (error instanceof AdminApiError) return `revision ${resourceVersion}`;
    throw error;
  }
}

export function conditionSection({ io }: Session, { status }: Resource): Section {
  const rows = (status?.conditions ?? []).map((condition) => [
    condition.type,
    condition.status,
    condition.reason,
    age(condition.lastTransitionTime, io.nowMs()),
    condition.message,
  ]);
  return { title: 'Conditions', lines: tableLines(['TYPE', 'STATUS', 'REASON', 'AGE', 'MESSAGE'], rows) };
}

/** Nodes that are listed by name; a fleet has more, and the rest is counted. */
const nodesShownMax = 20;

/** `2 of 3 have revision 41`, and those that have not. */
export async function nodeParts(
  session: Session,
  resource: Resource,
): Promise<{ text: string | undefined; section: Section }> {
  const { status, metadata } = resource;
  const section = { title: 'Nodes behind', lines: [] };
  if (status === undefined) return { text: undefined, section };
  const { total, applied } = status.nodes;
  const text = total === 0 ? 'none is connected' : `${applied} of ${total} have revision ${status.revision}`;
  if (applied === total) return { text, section };
  const { nodes } = await session.client.revisionStatus(Number(metadata.resourceVersion));
  const behind = nodes.filter(({ state }) => state === 'pending' || state === 'rejected');
  const rows = behind.slice(0, nodesShownMax).map(nodeRow);
  const more = behind.length - rows.length;
  return {
    text,
    section: {
      title: 'Nodes behind',
      lines: [
        ...tableLines(['NODE', 'STATUS', 'APPLIED', 'REASON'], rows),
        ...(more > 0 ? [`${more} more`] : []),
      ],
    },
  };
}

function nodeRow({ node, state, applied, problems = [] }: RevisionNode): string[] {
  const reasons = problems.map(
    ({ reason, resource, pointer, detail }) => `${reason} ${resource} ${pointer}: ${detail}`,
  );
  return [shortNodeName(node), state.toUpperCase(), String(applied), reasons.join('; ')];
}

export function tableLines(titles: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : renderTable(titles, rows, { wide: true }).split('\n');
}

/**
 * The spec with its defaults. A newer control plane may have fields that this program does not know; then what was
 * written has to do.
 */
export function knownSpec<T>(kind: Kind, { spec }: Resource): Partial<T> {
  try {
    return effectiveSpec(kind, spec) as Partial<T>;
  } catch {
    return spec as Partial<T>;
  }
}

/** `connect 5s (default)`, `idle off`: what was written stands without a note. */
export function settings(effective: object | undefined, written: unknown): string[] {
  const given = Object.keys(written ?? {});
  return Object.entries(effective ?? {})
    .filter(([, value]) => typeof value !== 'object')
    .map(([name, value]) => {
      const text = value === '0s' ? 'off' : String(value);
      return `${name} ${text}${given.includes(name) ? '' : ' (default)'}`;
    });
}
