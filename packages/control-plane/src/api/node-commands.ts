/** What a node is asked over its command channel. */

import type { NodeServiceLoad, WorkersRestart } from '@causeway/model/api-types';
import type { Request } from 'express';
import { CommandFailed } from '../publish/command-channel.ts';
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
export function askNode<T>(context: ApiContext, node: string, verb: string, args: object): Promise<T> {
  return runOn(context, node, verb, args, fleetDeadlineMs) as Promise<T>;
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
  if (!context.nodes.get(node)) throw new ApiError('not_found', `node/${node} does not exist`);
  try {
    return await runOn(context, node, verb, {}, commandDeadlineMs);
  } catch (error) {
    if (error instanceof CommandFailed)
      throw new ApiError('not_ready', `node/${node}: ${error.message}`, { headers: { 'retry-after': '1' } });
    throw error;
  }
}
