import { kindNamed } from '@causeway/model/kinds/registry';
import { hasTls, type ServiceSpec, upstreamTls } from '@causeway/model/kinds/service';
import type { Resource } from '@causeway/model/resource';
import { hostPort } from '../output/columns/service.ts';
import { routesTo } from '../output/used-by.ts';
import type { Session } from '../session.ts';
import type { Description } from './description.ts';
import {
  conditionSection,
  headFields,
  knownSpec,
  nodeParts,
  settings,
  tableLines,
} from './standard-parts.ts';

export async function describeService(
  session: Session,
  service: Resource,
  warnings: readonly string[],
): Promise<Description> {
  const spec = knownSpec<ServiceSpec>(kindNamed('Service')!, service);
  const routes = await session.client.listAll('routes', { namespace: service.metadata.namespace });
  const users = routesTo(service, routes).map(
    ({ route, weight, of }) => `route/${route.metadata.name} (${weight} of ${of})`,
  );
  const nodes = await nodeParts(session, service);
  const isNamed = spec.endpoints?.some(({ serverName }) => serverName !== undefined) === true;
  const endpoints = (spec.endpoints ?? []).map(({ address, port, weight, serverName }) => [
    hostPort(address, port),
    'static',
    String(weight ?? 1),
    ...(isNamed ? [serverName ?? ''] : []),
  ]);
  const titles = ['ADDRESS', 'SOURCE', 'WEIGHT', ...(isNamed ? ['SERVER-NAME'] : [])];
  return {
    fields: [
      ...(await headFields(session, service)),
      ['Protocol', spec.protocol],
      ['Balancing', spec.loadBalancing?.policy],
      ['Timeouts', settings(spec.timeouts, service.spec['timeouts']).join(', ')],
      ['Pool', settings(spec.pool, service.spec['pool']).join(', ')],
      ['TLS', spec.protocol !== undefined && hasTls(spec.protocol) ? tlsText(spec, service) : undefined],
      ['Used by', users.join(', ')],
      ['Nodes', nodes.text],
    ],
    sections: [
      conditionSection(session, service),
      { title: 'Endpoints', lines: tableLines(titles, endpoints) },
      nodes.section,
      { title: 'Warnings', lines: warnings },
    ],
  };
}

/** `verify true (default), trust internal-ca`; what the Service does not say about TLS has its default. */
function tlsText({ tls }: Partial<ServiceSpec>, service: Resource): string {
  const effective = tls ?? upstreamTls.parse({});
  const trust = effective.trust?.join(' ') || 'the system store';
  return [...settings(effective, service.spec['tls']), `trust ${trust}`].join(', ');
}
