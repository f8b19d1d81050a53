/** The fields of a Service that say how it is kept going, in a line each. */

import type { Affinity } from '@causeway/model/kinds/affinity';
import type { ServiceSpec } from '@causeway/model/kinds/service';

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

export function activeCheckText({ active }: ServiceSpec['healthCheck']): string {
  if (active === undefined) return 'none';
  const { type = 'http', method, path, grpcService, port, interval, timeout } = active;
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

export function breakerText(breaker: ServiceSpec['circuitBreaker']): string {
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
  return limits.join(', ') || 'none';
}

export function retryBudgetText({ percent, minPerSecond }: ServiceSpec['retryBudget']): string {
  return `${percent} %, ${minPerSecond} a second`;
}
