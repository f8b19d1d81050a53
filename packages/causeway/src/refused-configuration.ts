/** A node that refuses its configuration keeps trying, but whoever starts everything at a terminal wants to know why. */

import { setTimeout as sleep } from 'node:timers/promises';

import type { AdminClient } from '@causeway/admin-client/client';
import { GatewayError } from '@causeway/runtime/errors';

const pollMs = 200;

/**
 * Never resolves; rejects with GatewayError `configuration_refused` and one sentence as soon as the control plane knows
 * that the node refuses its configuration. `signal` ends the asking.
 */
export async function refusedConfiguration(
  client: AdminClient,
  nodeId: string,
  signal: AbortSignal,
): Promise<never> {
  while (!signal.aborted) {
    const problem = await refusal(client, nodeId);
    if (problem !== undefined && !signal.aborted) {
      throw new GatewayError({
        code: 'configuration_refused',
        message: `the node cannot take its configuration: ${problem}`,
        httpStatus: 503,
        grpcStatus: 14,
      });
    }
    await sleep(pollMs);
  }
  return new Promise<never>(() => {});
}

async function refusal(client: AdminClient, nodeId: string): Promise<string | undefined> {
  try {
    const { status } = await client.node(nodeId);
    const [problem] = status.state === 'REJECTED' ? status.problems : [];
    if (problem === undefined) return undefined;
    const mend =
      problem.reason === 'listener_failed'
        ? `: stop the process that has the port, or give ${problem.resource} another one`
        : '';
    return `${problem.resource} ${problem.pointer}: ${problem.detail}${mend}.`;
  } catch {
    // The node has not connected yet (404); if the control plane is gone, its own watch tells.
    return undefined;
  }
}
