/** What a node is asked over its command channel. */

import type { NodeDrain, NodeServiceLoad, WorkersRestart } from '@causeway/model/api-types';
import type { Request } from 'express';
import { CommandFailed } from '../publish/command-channel.ts';
import type { NodeRecord } from '../publish/node-registry.ts';
import { type Answer, queryParameters } from './answer.ts';
import { ApiError } from './api-error.ts';
import type { ApiContext } from './context.ts';

const commandDeadlineMs = 10_000;
const fleetDeadlineMs = 1000;

/** The table that a node serves now. */
export async function configDump(context: ApiContext, request: Request, node: string): Promise<Answer> {
  return { status: 200, body: await ask(context, request, node, 'config-dump') };
}

/** 202 when the node has begun. */
export async function restartWorkers(context: ApiContext, request: Request, node: string): Promise<Answer> {
  const body = (await ask(context, request, node, 'restart-workers')) as WorkersRestart;
  const record = context.nodes.get(node);
  // Whoever looks now sees that it has begun, whenever the node tells so itself.
  if (record !== undefined) record.workersToReplace = body.workers;
  return { status: 202, body };
}

/** What a node says of a Service: requests at its endpoints, its breaker, its budget. */
export interface LoadOnNode extends Pick<NodeServiceLoad, 'breaker' | 'retryBudgetUsedPercent'> {
  endpoints: {
    id: string;
    active: number;
    /** Of the last seconds. */
    recent: { requestsPerSecond: number; failuresPerSecond: number };
  }[];
}

/** Asks one of several nodes, none of which may keep the others waiting. Rejects with a sentence. */
export function askNode<T>(
  context: ApiContext,
  node: string,
  verb: string,
  args: object,
  deadlineMs = fleetDeadlineMs,
): Promise<T> {
  return runOn(context, node, verb, args, deadlineMs) as Promise<T>;
}

/** 202 when the node has been told; how far it is, it tells with its status. */
export function drainNode(context: ApiContext, request: Request, name: string): Answer {
  queryParameters(request, []);
  const node = existingNode(context, name);
  if (node.connected && node.draining) throw new ApiError('conflict', `node/${name} drains already`);
  if (!context.publisher.drain(name)) throw notReady(name, 'the node is not connected');
  const body: NodeDrain = { revision: node.appliedRevision };
  return { status: 202, body };
}

async function runOn(
  { commands }: ApiContext,
  node: string,
  verb: string,
  args: object,
  deadlineMs: number,
): Promise<unknown> {
  const bytes = await commands.run(node, verb, args, deadlineMs);
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}

async function ask(context: ApiContext, request: Request, node: string, verb: string): Promise<unknown> {
  queryParameters(request, []);
  existingNode(context, node);
  try {
    return await runOn(context, node, verb, {}, commandDeadlineMs);
  } catch (error) {
    if (error instanceof CommandFailed) throw notReady(node, error.message);
    throw error;
  }
}

function existingNode({ nodes }: ApiContext, name: string): NodeRecord {
  const node = nodes.get(name);
  if (!node) throw new ApiError('not_found', `node/${name} does not exist`);
  return node;
}

function notReady(node: string, why: string): ApiError {
  return new ApiError('not_ready', `node/${node}: ${why}`, { headers: { 'retry-after': '1' } });
}
