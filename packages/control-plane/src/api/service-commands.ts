/** What the nodes that have a Service are asked about it, all at once. */

import type { NodeAnswers, NodeServiceLoad, ServiceLoad } from '@causeway/model/api-types';
import type { ServiceSpec } from '@causeway/model/kinds/service';
import { qualifiedName } from '@causeway/model/resource';
import type { Request } from 'express';
import { nodesWith } from '../status/nodes-with.ts';
import { type Answer, queryParameters } from './answer.ts';
import { ApiError } from './api-error.ts';
import { type ApiContext, existingService } from './context.ts';
import { askNode, type LoadOnNode } from './node-commands.ts';

/** What the breaker and the retry budget of a Service do on each node that has it. */
export async function serviceLoad(
  context: ApiContext,
  request: Request,
  namespace: string,
  name: string,
): Promise<Answer> {
  queryParameters(request, []);
  const nodes = nodesWith(existingService(context, namespace, name), context.index, context.nodes);
  const service = qualifiedName(namespace, name);
  const asked = await Promise.allSettled(
    nodes.map(async ({ id }): Promise<NodeServiceLoad> => {
      const { breaker, retryBudgetUsedPercent } = await askNode<LoadOnNode>(context, id, 'service-load', {
        service,
      });
      return { node: id, breaker, retryBudgetUsedPercent };
    }),
  );
  // Who does not answer in time is left out.
  const body: ServiceLoad = {
    nodes: asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])),
  };
  return { status: 200, body };
}

/** Closes the breaker of a Service on all nodes that have it. */
export async function resetBreaker(
  context: ApiContext,
  request: Request,
  namespace: string,
  name: string,
): Promise<Answer> {
  queryParameters(request, []);
  const service = existingService(context, namespace, name);
  if ((service.effective as ServiceSpec).circuitBreaker?.failureRate === undefined)
    throw new ApiError(
      'conflict',
      `${service.key} has no circuitBreaker.failureRate, so its breaker never opens`,
    );
  const nodes = nodesWith(service, context.index, context.nodes);
  const answers = nodes.map(async ({ id }) => {
    const args = { service: qualifiedName(namespace, name) };
    const failure = await askNode(context, id, 'reset-breaker', args).then(
      () => null,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    return { node: id, error: failure };
  });
  const body: NodeAnswers = { nodes: await Promise.all(answers) };
  return { status: 200, body };
}
