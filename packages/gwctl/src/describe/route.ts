import { kindNamed } from '@causeway/model/kinds/registry';
import type { RouteSpec } from '@causeway/model/kinds/route';
import type { Resource } from '@causeway/model/resource';
import { matchText, matchesOf } from '../output/columns/route.ts';
import type { Session } from '../session.ts';
import type { Description } from './description.ts';
import { conditionSection, headFields, knownSpec, nodeParts, settings } from './standard-parts.ts';

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
        backends.map(({ service, weight }) => `service/${service} (${weight} of ${of})`).join(', '),
      ],
      ['Timeouts', settings(spec.timeouts, route.spec['timeouts']).join(', ')],
      ['Limits', settings(limits, route.spec['limits']).join(', ') || undefined],
      ['Nodes', nodes.text],
    ],
    sections: [
      {
        title: 'Matches',
        lines: matchesOf(route.spec).map((match, index) => `${index + 1}: ${matchText(match, true)}`),
      },
      conditionSection(session, route),
      nodes.section,
      { title: 'Warnings', lines: warnings },
    ],
  };
}
