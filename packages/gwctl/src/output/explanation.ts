/** The layout of `gwctl route explain` for a request that a Route takes. */

import type { ExplainCandidate, Explanation } from '@causeway/model/api-types';
import { shownKey } from '../object-key.ts';
import { hostPort } from './columns/service.ts';
import { printable } from './printable.ts';
import { renderTable } from './table.ts';

export function renderExplanation(explanation: Explanation, request: string, namespace: string): string {
  return [
    ...headLines(explanation, request, namespace),
    '',
    ...candidateLines(explanation, namespace),
    ...filterLines(explanation, namespace),
    '',
    ...destinationLines(explanation, namespace),
  ]
    .map(printable)
    .join('\n');
}

/** `orders` in the current namespace, `shop/orders` in another. */
export function shownRoute(qualified: string, namespace: string): string {
  const prefix = `${namespace}/`;
  return qualified.startsWith(prefix) ? qualified.slice(prefix.length) : qualified;
}

function headLines(explanation: Explanation, request: string, namespace: string): string[] {
  const { canonical, gateway, listener, revision, route, match, candidates } = explanation;
  const chosen = candidates.find(({ result }) => result === 'chosen');
  return [
    `Request:     ${request}`,
    `Canonical:   host ${canonical?.host ?? '-'}, path ${canonical?.path ?? '-'}`,
    `Gateway:     ${gateway}, listener ${listener ?? '-'}, revision ${revision}`,
    `Route:       ${shownRoute(route ?? '-', namespace)}, match ${(match ?? 0) + 1}: ${chosen?.summary ?? '-'}`,
  ];
}

function candidateLines({ candidates, omitted }: Explanation, namespace: string): string[] {
  const rows = candidates.map((candidate, index) => [
    candidate.result === 'no' ? '-' : String(index + 1),
    shownRoute(candidate.route, namespace),
    `${candidate.match + 1}: ${candidate.summary}`,
    resultText(candidate),
  ]);
  return [
    'Candidates:',
    renderTable(['#', 'ROUTE', 'MATCH', 'RESULT'], rows, { indent: '  ' }),
    ...(omitted > 0 ? [`  ${omitted} more`] : []),
  ];
}

function resultText({ result, to, by, detail }: ExplainCandidate): string {
  const why = detail ?? by;
  const suffix = why === undefined ? '' : `: ${why}`;
  if (result === 'chosen') return result;
  return result === 'lost' ? `lost to ${(to ?? 0) + 1}${suffix}` : `no${suffix}`;
}

function filterLines({ filters }: Explanation, namespace: string): string[] {
  if (filters.length === 0) return [];
  const rows = filters.map(({ name, summary, from, enforcement, effect }, index) => [
    String(index + 1),
    name,
    summary,
    shownKey(from, namespace),
    enforcement ?? '-',
    effect.detail,
  ]);
  const titles = ['#', 'NAME', 'FILTER', 'FROM', 'ENFORCEMENT', 'EFFECT ON THIS REQUEST'];
  return ['', 'Filters, in order of execution:', renderTable(titles, rows, { indent: '  ' })];
}

function destinationLines(explanation: Explanation, namespace: string): string[] {
  const { filters, backends, endpoints, upstream, timeouts, streams } = explanation;
  const shares = backends.map(
    ({ service, weight, of }) => `service/${shownRoute(service, namespace)}, weight ${weight} of ${of}`,
  );
  const limits = Object.entries(timeouts).map(
    ([name, { value, from }]) =>
      `${name} ${value === '0s' ? 'off' : value}${from === 'default' ? ' (default)' : ''}`,
  );
  const streamSettings = Object.entries(streams).map(([name, value]) => `${name} ${value}`);
  const answering = filters.find(({ effect }) => effect.status !== null);
  if (answering !== undefined)
    return [`Answer:      ${answering.effect.status} by filter ${answering.name}, no upstream is asked`];
  const host = upstream?.headers.find(([name]) => name === 'host')?.[1];
  const others = upstream?.headers.filter(([name]) => name !== 'host') ?? [];
  return [
    `${shares.length > 1 ? 'Backends:    ' : 'Backend:     '}${shares.join('; ')}`,
    ...endpointLines(endpoints, backends.length > 1, namespace),
    ...(upstream === null
      ? []
      : [`Upstream:    ${upstream.method} ${upstream.target} HTTP/1.1, host ${host ?? '-'}`]),
    ...others.map(([name, value]) => `  ${name}: ${value}`),
    `Timeouts:    ${limits.join(', ')}`,
    ...(streamSettings.length === 0 ? [] : [`Streams:     ${streamSettings.join(', ')}`]),
  ];
}

function endpointLines(endpoints: Explanation['endpoints'], several: boolean, namespace: string): string[] {
  if (endpoints.length === 0) return ['Endpoints:   none'];
  const rows = endpoints.map(({ service, address, port, weight, state, healthyOn, of }) => [
    ...(several ? [shownRoute(service, namespace)] : []),
    hostPort(address, port),
    String(weight),
    healthyOn === null ? state : `${state} (${healthyOn}/${of})`,
  ]);
  const titles = [...(several ? ['SERVICE'] : []), 'ADDRESS', 'WEIGHT', 'STATE'];
  return ['Endpoints:', renderTable(titles, rows, { indent: '  ' })];
}
