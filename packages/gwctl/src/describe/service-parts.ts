/** The fields of a Service that say how it is kept going, in a line each. */

import type { BreakerState, NodeServiceLoad } from '@causeway/model/api-types';
import type { Affinity } from '@causeway/model/kinds/affinity';
import { isGrpc, type ServiceSpec } from '@causeway/model/kinds/service';
import { shortNodeName } from '../output/columns/node.ts';

export function balancingText(balancing: ServiceSpec['loadBalancing']): string {
  const { policy, hash, boundedLoadPercent, slowStart, zone, spillPercent } = balancing;
  return [
    hash === undefined ? policy : `${policy} by ${hash}`,
    ...(boundedLoadPercent > 0 ? [`at most ${boundedLoadPercent} % of the mean load`] : []),
    ...(slowStart === '0s' ? [] : [`slow start ${slowStart}`]),
    ...(zone === 'prefer' ? [`own zone first, all below ${spillPercent} % fit`] : []),
  ].join(', ');
}

export function affinityText(affinity: Affinity | undefined): string {
  if (affinity?.cookie === undefined) return affinity?.by ?? 'none';
  const { name, ttl } = affinity.cookie;
  return `cookie ${name}, ${ttl === '0s' ? 'until the client is closed' : `for ${ttl}`}`;
}

export function activeCheckText(
  { active }: ServiceSpec['healthCheck'],
  protocol: ServiceSpec['protocol'] | undefined,
): string {
  if (active === undefined) return 'none';
  const usualType = protocol !== undefined && isGrpc(protocol) ? 'grpc' : 'http';
  const { type = usualType, method, path, grpcService, port, interval, timeout } = active;
  const asked = {
    http: `http ${method} ${path}`,
    tcp: 'tcp',
    grpc: grpcService === '' ? 'grpc' : `grpc ${grpcService}`,
  }[type];
  const where = port === undefined ? '' : ` on port ${port}`;
  return `${asked}${where} every ${interval}, timeout ${timeout}, unhealthy after ${active.unhealthyAfter}, healthy after ${active.healthyAfter}`;
}

export function passiveCheckText({ passive }: ServiceSpec['healthCheck']): string {
  const { connectFailures, consecutive5xx, successRatePercent } = passive;
  const signs = [
    ...(connectFailures > 0 ? [`connectFailures ${connectFailures}`] : []),
    ...(consecutive5xx > 0 ? [`consecutive5xx ${consecutive5xx}`] : []),
    ...(successRatePercent > 0 ? [`successRate below ${successRatePercent} % over ${passive.window}`] : []),
  ];
  if (signs.length === 0) return 'none';
  return `${signs.join(', ')}, eject for ${passive.ejectFor} to ${passive.maxEjectFor}, at most ${passive.maxEjectedPercent} %`;
}

/** Nodes that are named; the others are counted. */
const nodesShownMax = 5;

export function breakerText(
  breaker: ServiceSpec['circuitBreaker'],
  load: readonly NodeServiceLoad[],
): string {
  if (breaker === undefined) return 'none';
  const { maxRequests, maxRetries, failureRate: rate } = breaker;
  const limits = [
    ...(maxRequests > 0 ? [`maxRequests ${maxRequests}`] : []),
    ...(maxRetries > 0 ? [`maxRetries ${maxRetries}`] : []),
    ...(rate === undefined
      ? []
      : [
          `opens at ${rate.percent} % failures of ${rate.minRequests} or more in ${rate.window}, for ${rate.openFor}, closes after ${rate.probes}`,
        ]),
  ];
  return [...limits, ...breakerStates(load)].join(', ') || 'none';
}

/** `closed`, `open on edge-1, edge-2`. */
function breakerStates(load: readonly NodeServiceLoad[]): string[] {
  const known = load.filter(({ breaker }) => breaker !== null);
  if (known.length === 0) return [];
  const on = (state: BreakerState): string[] =>
    known.filter(({ breaker }) => breaker === state).map(({ node }) => shortNodeName(node));
  const named = (word: string, nodes: readonly string[]): string[] => {
    if (nodes.length === 0) return [];
    const more = nodes.length - nodesShownMax;
    return [`${word} on ${nodes.slice(0, nodesShownMax).join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
  };
  const notClosed = [...named('open', on('open')), ...named('half-open', on('halfOpen'))];
  return notClosed.length === 0 ? ['closed'] : notClosed;
}

/** In use is what the worst of the nodes uses. */
export function retryBudgetText(
  { percent, minPerSecond }: ServiceSpec['retryBudget'],
  load: readonly NodeServiceLoad[],
): string {
  const used = Math.max(...load.map(({ retryBudgetUsedPercent }) => retryBudgetUsedPercent));
  const inUse = load.length === 0 ? '' : `: ${used} % in use`;
  return `${percent} %, ${minPerSecond} a second${inUse}`;
}
