import { kindNamed } from '@causeway/model/kinds/registry';
import type { RouteSpec } from '@causeway/model/kinds/route';
import type { Resource } from '@causeway/model/resource';
import { matchText, matchesOf } from '../output/columns/route.ts';
import { executionRows, executionTitles } from '../output/filters.ts';
import type { Session } from '../session.ts';
import type { Description, Section } from './description.ts';
import { streamFields } from './route-streams.ts';
import { affinityText } from './service-parts.ts';
import {
  conditionSection,
  headFields,
  knownSpec,
  nodeParts,
  settings,
  tableLines,
} from './standard-parts.ts';

export async function describeRoute(
  session: Session,
  route: Resource,
  warnings: readonly string[],
): Promise<Description> {
  const spec = knownSpec<RouteSpec>(kindNamed('Route')!, route);
  const { gateways = [], hosts = [], backends = [], priority = 0, limits, allowEncoded = [] } = spec;
  const of = backends.reduce((sum, { weight }) => sum + weight, 0);
  const nodes = await nodeParts(session, route);
  return {
    fields: [
      ...(await headFields(session, route)),
      ['Gateways', gateways.join(', ')],
      ['Hosts', hosts.join(', ') || 'every host'],
      ['Priority', String(priority)],
      ['Encoded', allowEncoded.length > 0 ? allowEncoded.join(', ') : undefined],
      [
        'Backends',
        backends.map(({ service, weight }) => `service/${service} (${weight} of ${of})`).join(', ') || 'none',
      ],
      ['Affinity', spec.affinity && affinityText(spec.affinity)],
      ['Retry', retryText(spec.retry)],
      ['Timeouts', settings(spec.timeouts, route.spec['timeouts']).join(', ')],
      ['Limits', settings(limits, route.spec['limits']).join(', ') || undefined],
      ...streamFields(route),
      ['Nodes', nodes.text],
    ],
    sections: [
      {
        title: 'Matches',
        lines: matchesOf(route.spec).map((match, index) => `${index + 1}: ${matchText(match, true)}`),
      },
      ...(await filterSections(session, route, gateways)),
      conditionSection(session, route),
      nodes.section,
      { title: 'Warnings', lines: warnings },
    ],
  };
}

function retryText(retry: RouteSpec['retry']): string {
  if (retry === undefined || retry.attempts === 0) return 'none';
  const { attempts, errors, statuses, grpcCodes, methods } = retry;
  const signs = [...errors, ...statuses.map(String), ...grpcCodes];
  const tries = attempts === 1 ? '1 more try' : `${attempts} more tries`;
  return `${tries} on ${signs.join(', ') || 'nothing'}, for ${methods.join(', ')}`;
}

/** What a request meets depends on the Gateway that it comes through. */
async function filterSections(
  { client, namespace }: Session,
  route: Resource,
  references: readonly string[],
): Promise<Section[]> {
  const names = [...new Set(references.map((reference) => reference.split('/')[0]!))];
  const [gateways, middlewares] = await Promise.all([
    client.listAll('gateways'),
    client.listAll('middlewares'),
  ]);
  return names.map((name) => {
    const gateway = gateways.find(({ metadata }) => metadata.name === name);
    const rows = executionRows(gateway, route, middlewares, namespace);
    const place = names.length > 1 ? ` on gateway/${name}` : '';
    return { title: `Filters${place}, in order of execution`, lines: tableLines(executionTitles, rows) };
  });
}
