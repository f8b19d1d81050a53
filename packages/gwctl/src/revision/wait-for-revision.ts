/** `--wait`: follows a revision until every connected node has taken or refused it. */

import { Unreachable } from '@causeway/admin-client/errors';
import type { NackReason, RevisionNode, RevisionStatus } from '@causeway/model/api-types';
import { exitCodes } from '../exit-codes.ts';
import { Failure, indented } from '../failure.ts';
import { shownKey } from '../object-key.ts';
import { shortDuration, tookTime } from '../output/age.ts';
import { shortNodeName } from '../output/columns/node.ts';
import { renderTable } from '../output/table.ts';
import type { Session } from '../session.ts';

/**
 * Prints what every node did with the revision. Throws with exit code 4 when a node has rejected it, else with 5 when one
 * has not answered within `timeoutMs`. Nodes that are away are shown and not waited for.
 */
export async function waitForRevision(session: Session, revision: number, timeoutMs: number): Promise<void> {
  const { io } = session;
  const { status, waitedMs } = await followed(session, revision, timeoutMs);
  if (status.nodes.length > 0) {
    const rows = status.nodes.map((node) => nodeRow(node, revision, waitedMs));
    io.out(`\n${renderTable(['NODE', 'STATUS', 'TIME', 'REASON'], rows, { colours: io.colours })}`);
  }
  if (status.counts.total === 0) {
    const why = status.nodes.some(({ state }) => state === 'draining')
      ? 'every connected node drains'
      : 'no node is connected';
    io.err(`warning: ${why}; the next one that joins gets revision ${revision}`);
    return;
  }
  io.out(closingLine(status));
  const rejecting = status.nodes.filter(({ state }) => state === 'rejected');
  if (rejecting.length > 0) throw rejection(rejecting, revision, session.namespace);
  const silent = status.nodes.filter(({ state }) => state === 'pending');
  if (silent.length > 0) throw tooLate(silent, timeoutMs);
}

async function followed(
  { client }: Session,
  revision: number,
  timeoutMs: number,
): Promise<{ status: RevisionStatus; waitedMs: number }> {
  const startMs = performance.now();
  const enough = new Error('waited long enough');
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(enough), timeoutMs);
  let status: RevisionStatus | undefined;
  try {
    for await (const next of client.watchRevision(revision, limit.signal)) status = next;
  } catch (error) {
    if (error !== enough) throw stillStands(error, revision);
  } finally {
    clearTimeout(timer);
  }
  return { status: status ?? (await client.revisionStatus(revision)), waitedMs: performance.now() - startMs };
}

/** The write was answered; only the news of it is lost. */
function stillStands(error: unknown, revision: number): unknown {
  if (!(error instanceof Unreachable)) return error;
  return new Failure(error.message, { below: [indented(`revision ${revision} is committed and stands`)] });
}

function nodeRow(node: RevisionNode, revision: number, waitedMs: number): string[] {
  const name = shortNodeName(node.node);
  const took = node.tookMs === undefined ? '-' : tookTime(node.tookMs);
  const seen = shortDuration(node.lastSeenMs ?? 0);
  switch (node.state) {
    case 'applied':
      return [name, 'APPLIED', took, '-'];
    case 'superseded':
      return [name, 'SUPERSEDED', took, `has revision ${node.applied}`];
    case 'rejected':
      return [name, 'REJECTED', took, node.problems?.[0]?.reason ?? '-'];
    case 'offline':
      return [name, 'OFFLINE', '-', `since ${seen}; will get revision ${revision} when it returns`];
    case 'draining':
      return [name, 'DRAINING', '-', `keeps revision ${node.applied} until it is gone`];
    case 'pending':
      return [name, 'PENDING', tookTime(waitedMs), `no answer; last seen ${seen} ago`];
  }
}

/** `revision 2 is live on 1 of 1 nodes after 9ms`; the time only when it is complete. */
function closingLine({ revision, counts, nodes }: RevisionStatus): string {
  const which = counts.total < nodes.length ? 'connected nodes' : 'nodes';
  const took = nodes.flatMap(({ tookMs }) => (tookMs === undefined ? [] : [tookMs]));
  const isComplete = counts.applied === counts.total && took.length > 0;
  const after = isComplete ? ` after ${tookTime(Math.max(...took))}` : '';
  return `revision ${revision} is live on ${counts.applied} of ${counts.total} ${which}${after}`;
}

function rejection(nodes: readonly RevisionNode[], revision: number, namespace: string): Failure {
  const [first, ...more] = nodes.map((node) => {
    const name = shortNodeName(node.node);
    const problems = (node.problems ?? []).map(
      ({ resource, pointer, detail }) => `${shownKey(resource, namespace)} ${pointer}: ${detail}`,
    );
    return {
      title: `${name} rejected revision ${revision}`,
      below: [...problems, goesOn(name, node)].map(indented),
    };
  });
  return new Failure(first!.title, {
    above: [''],
    below: [...first!.below, ...more.flatMap(({ title, below }) => [`${title}:`, ...below])],
    hint: rejectionHint(nodes),
    exitCode: exitCodes.rejected,
  });
}

function goesOn(name: string, { applied, nextTryInMs }: RevisionNode): string {
  const serving = applied > 0 ? `goes on serving revision ${applied}` : 'serves nothing yet';
  const next =
    nextTryInMs === undefined ? '' : ` and tries again by itself, next in ${tookTime(nextTryInMs)}`;
  return `${name} ${serving}${next}`;
}

function rejectionHint(nodes: readonly RevisionNode[]): string {
  const names = nodes.map((node) => shortNodeName(node.node)).join(', ');
  const reasons = new Set(nodes.flatMap(({ problems }) => (problems ?? []).map(({ reason }) => reason)));
  const [reason] = reasons.size === 1 ? reasons : [];
  const what = (reason !== undefined && wrongThere(reason, names)) || 'mend the file';
  return `${what}, or apply the configuration of before`;
}

/** What to do where nodes, not the configuration, are at fault. */
function wrongThere(reason: NackReason, names: string): string | undefined {
  if (reason === 'listener_failed') return `free the port on ${names}`;
  if (reason === 'plugin_missing') return `put the plugin into the --plugin-dir of ${names}`;
  return reason === 'plugin_failed' ? `mend the plugin on ${names}` : undefined;
}

function tooLate(nodes: readonly RevisionNode[], timeoutMs: number): Failure {
  const names = nodes.map((node) => shortNodeName(node.node)).join(', ');
  return new Failure(`${names} did not answer within ${tookTime(timeoutMs)}; the revision stands`, {
    above: [''],
    hint: 'gwctl get nodes -o wide',
    exitCode: exitCodes.timedOut,
  });
}
