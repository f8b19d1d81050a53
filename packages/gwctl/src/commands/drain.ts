import { setTimeout as sleep } from 'node:timers/promises';
import { AdminApiError } from '@causeway/admin-client/errors';
import type { NodeDrainReport, NodeResource } from '@causeway/model/api-types';
import type { Command } from 'commander';
import { exitCodes } from '../exit-codes.ts';
import { Failure } from '../failure.ts';
import { findNodeName } from '../find-node.ts';
import type { Io } from '../io.ts';
import { tookTime } from '../output/age.ts';
import { counted } from '../output/counted.ts';
import { withWaitFlags, type WaitFlags } from '../revision/write-flags.ts';
import { openSession, type Session } from '../session.ts';

/** As long as most Gateways let connections drain, and some more. */
const timeoutMsDefault = 300_000;
const lookMs = 250;
/** A node says at once for how long it goes on accepting; one that does not is too old to say it. */
const firstReportMsMax = 3000;
/** A node that only lost its stream is back by then. */
const awayMsMax = 12_000;

export function addDrain(program: Command, io: Io): void {
  const command = program
    .command('drain')
    .description('have a node end what it has, politely, and exit; it gets no further revision')
    .argument('<node>', 'name of the node');
  withWaitFlags(command, 'until nothing is left on it', timeoutMsDefault).action(
    async (node: string, flags: WaitFlags, self: Command) =>
      runDrain(await openSession(io, self), node, flags),
  );
}

async function runDrain(session: Session, written: string, flags: WaitFlags): Promise<void> {
  const { io, client } = session;
  const node = await findNodeName(client, written);
  const startedMs = performance.now();
  const { revision, isFirst } = await beginDrain(session, node, flags.wait === true);
  const watch = new DrainWatch(session, node, startedMs);
  const first = await watch.until(({ drain }) => drain !== undefined, firstReportMsMax);
  const accepting = isFirst ? acceptingText(first) : '';
  io.out(`node/${node} cordoned at revision ${revision}, not ready${accepting}`);
  if (flags.wait === true) await waitForEnd(session, watch, flags.timeout);
}

interface BegunDrain {
  readonly revision: number;
  /** Nobody else had begun it. */
  readonly isFirst: boolean;
}

/** Who waits may also come later than who drains. */
async function beginDrain({ client, io }: Session, node: string, waits: boolean): Promise<BegunDrain> {
  try {
    return { revision: (await client.drainNode(node)).revision, isFirst: true };
  } catch (error) {
    if (!waits || !(error instanceof AdminApiError) || error.problem.code !== 'conflict') throw error;
    io.err(`node/${node} drains already`);
    return { revision: (await client.node(node)).status.appliedRevision, isFirst: false };
  }
}

type NodeStatus = NodeResource['status'];

/** Looks at a node until something is so. */
class DrainWatch {
  readonly node: string;
  readonly #session: Session;
  readonly #startedMs: number;
  #seenMs: number;

  constructor(session: Session, node: string, startedMs: number) {
    this.#session = session;
    this.node = node;
    this.#startedMs = startedMs;
    this.#seenMs = startedMs;
  }

  /** Milliseconds since the node was told. */
  get elapsedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** What is so then, or when `elapsedMs` is over `limitMs`. Throws for a node that is gone and has not said that it is done. */
  async until(isEnough: (status: NodeStatus) => boolean, limitMs: number): Promise<NodeStatus> {
    for (;;) {
      const { status } = await this.#session.client.node(this.node);
      if (isEnough(status) || status.drain?.done === true) return status;
      this.#mustBeThere(status);
      if (this.elapsedMs > limitMs) return status;
      await sleep(lookMs);
    }
  }

  #mustBeThere({ state, draining, drain }: NodeStatus): void {
    const nowMs = performance.now();
    if (state !== 'OFFLINE') this.#seenMs = nowMs;
    if (nowMs - this.#seenMs > awayMsMax)
      throw new Failure(`node/${this.node} went away without saying that it is drained`);
    // It drains from the moment in which it is told; only another process does not.
    if (state !== 'OFFLINE' && !draining && drain === undefined)
      throw new Failure(`node/${this.node} was started again before it said that it is drained`);
  }
}

async function waitForEnd({ io }: Session, watch: DrainWatch, timeoutMs: number): Promise<void> {
  const { node } = watch;
  const isEnding = ({ drain }: NodeStatus): boolean =>
    drain !== undefined && (drain.connections > 0 || watch.elapsedMs >= drain.delayMs);
  const ending = await watch.until(isEnding, timeoutMs);
  if (ending.drain !== undefined && (isEnding(ending) || ending.drain.done))
    io.out(`node/${node} draining: ${connectionsText(ending.drain)}`);
  const { drain, connections } = await watch.until(() => false, timeoutMs);
  if (drain?.done !== true)
    throw new Failure(
      `node/${node} is not drained after ${tookTime(timeoutMs)}: ${counted(connections, 'connection')} left; it goes on without being waited for`,
      { hint: `gwctl drain ${node} --wait`, exitCode: exitCodes.timedOut },
    );
  io.out(`node/${node} drained after ${tookTime(watch.elapsedMs)}: ${endText(drain)}`);
}

function acceptingText({ drain }: NodeStatus): string {
  return drain === undefined || drain.delayMs === 0 ? '' : `, still accepting for ${tookTime(drain.delayMs)}`;
}

function connectionsText({ connections, webSockets }: NodeDrainReport): string {
  const kinds = webSockets === 0 ? '' : `, ${webSockets} of them WebSocket`;
  return `${counted(connections, 'connection')}${kinds}`;
}

function endText({ ended, closed, cut, webSockets }: NodeDrainReport): string {
  const how = closed > webSockets ? '1001 or an end' : '1001';
  const parts = [
    ...(ended > 0 ? [`${ended} ended by themselves`] : []),
    ...(closed > 0 ? [`${closed} closed with ${how}`] : []),
    ...(cut > 0 ? [`${cut} cut`] : []),
  ];
  return parts.join(', ') || 'nothing was open';
}
