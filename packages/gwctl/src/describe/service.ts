import type { EndpointResource } from '@causeway/model/api-types';
import { kindNamed } from '@causeway/model/kinds/registry';
import { grpcSettings, hasTls, isGrpc, type ServiceSpec, upstreamTls } from '@causeway/model/kinds/service';
import { defaultNamespace, type Resource } from '@causeway/model/resource';
import type { Column } from '../output/columns/column.ts';
import { ownEndpointColumns } from '../output/columns/endpoint.ts';
import { shortNodeName } from '../output/columns/node.ts';
import { hostPort } from '../output/columns/service.ts';
import { mirrorsTo, routesTo } from '../output/used-by.ts';
import type { Session } from '../session.ts';
import type { Description, Section } from './description.ts';
import {
  activeCheckText,
  affinityText,
  balancingText,
  breakerText,
  passiveCheckText,
  retryBudgetText,
} from './service-parts.ts';
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
  const middlewares = await session.client.listAll('middlewares', { namespace: service.metadata.namespace });
  const users = [
    ...routesTo(service, routes).map(
      ({ route, weight, of }) => `route/${route.metadata.name} (${weight} of ${of})`,
    ),
    ...mirrorsTo(service, [...routes, ...middlewares]).map(
      ({ kind, metadata }) => `${kind.toLowerCase()}/${metadata.name} (mirror)`,
    ),
  ];
  const nodes = await nodeParts(session, service);
  const { namespace = defaultNamespace, name } = service.metadata;
  const endpoints = await session.client.serviceEndpoints(namespace, name);
  const load = await session.client.serviceLoad(namespace, name);
  const methods = await session.client.serviceMethods(namespace, name);
  return {
    fields: [
      ...(await headFields(session, service)),
      ['Protocol', spec.protocol],
      ['Balancing', spec.loadBalancing && balancingText(spec.loadBalancing)],
      ['Affinity', affinityText(spec.affinity)],
      ['Active check', spec.healthCheck && activeCheckText(spec.healthCheck, spec.protocol)],
      ['Passive check', spec.healthCheck && passiveCheckText(spec.healthCheck)],
      ['Breaker', breakerText(spec.circuitBreaker, load)],
      ['Retry budget', spec.retryBudget && retryBudgetText(spec.retryBudget, load)],
      ['Timeouts', settings(spec.timeouts, service.spec['timeouts']).join(', ')],
      ['Pool', settings(spec.pool, service.spec['pool']).join(', ')],
      ['TLS', spec.protocol !== undefined && hasTls(spec.protocol) ? tlsText(spec, service) : undefined],
      ['gRPC', messagesText(spec)],
      ['Used by', users.join(', ')],
      ['Nodes', nodes.text],
    ],
    sections: [
      conditionSection(session, service),
      endpointSection(session, endpoints),
      healthByNode(endpoints),
      methodSection(methods),
      nodes.section,
      { title: 'Warnings', lines: warnings },
    ],
  };
}

/** Of a Service that clients call by HTTP and JSON. */
function methodSection(methods: readonly { method: string; http: string }[]): Section {
  const rows = methods.slice(0, methodsShownMax).map(({ method, http }) => [method, http]);
  const more = methods.length - rows.length;
  return {
    title: 'Methods by HTTP and JSON',
    lines: [...tableLines(['METHOD', 'HTTP'], rows), ...(more > 0 ? [`and ${more} more`] : [])],
  };
}

const methodsShownMax = 200;

function messagesText({ protocol, grpc }: Partial<ServiceSpec>): string | undefined {
  if (protocol === undefined || !isGrpc(protocol)) return undefined;
  return `messages of at most ${grpc?.maxMessageSize ?? `${grpcSettings.parse({}).maxMessageSize} (default)`}`;
}

/** What few Services say of their endpoints has a column only where one does. */
const rareColumns: readonly Column<EndpointResource>[] = [
  { title: 'PRIORITY', cell: ({ spec }) => (spec.priority === 0 ? '' : String(spec.priority)) },
  { title: 'ZONE', cell: ({ spec }) => spec.zone ?? '' },
  { title: 'SERVER-NAME', cell: ({ spec }) => spec.serverName ?? '' },
];

function endpointSection({ io }: Session, endpoints: readonly EndpointResource[]): Section {
  const facts = { nowMs: io.nowMs(), wide: true, routes: [], middlewares: [], gateways: [], nodes: [] };
  const cellOf = (column: Column<EndpointResource>, endpoint: EndpointResource): string =>
    String(column.cell(endpoint, facts));
  const said = rareColumns.filter((column) => endpoints.some((endpoint) => cellOf(column, endpoint) !== ''));
  const columns = [...ownEndpointColumns.slice(0, 3), ...said, ...ownEndpointColumns.slice(3)];
  const rows = endpoints.map((endpoint) => columns.map((column) => cellOf(column, endpoint)));
  const titles = columns.map(({ title }) => title);
  return { title: 'Endpoints', lines: tableLines(titles, rows) };
}

/** Nodes that have a column; what more of them find is in `gwctl get endpoints -o wide`. */
const nodeColumnsMax = 8;

/** Only where something is wrong, and where there are nodes to differ. */
function healthByNode(endpoints: readonly EndpointResource[]): Section {
  const title = 'Health by node';
  const nodes = (endpoints[0]?.status.nodes ?? []).slice(0, nodeColumnsMax).map(({ node }) => node);
  const isFine = endpoints.every(({ status }) => ['healthy', 'unknown'].includes(status.state));
  if (isFine || nodes.length < 2) return { title, lines: [] };
  const rows = endpoints.map(({ spec, status }) => [
    hostPort(spec.address, spec.port),
    ...nodes.map((node) => status.nodes.find((on) => on.node === node)?.state ?? '-'),
  ]);
  const titles = ['ADDRESS', ...nodes.map((node) => shortNodeName(node).toUpperCase())];
  return { title, lines: tableLines(titles, rows) };
}

/** `verify true (default), trust internal-ca`; what the Service does not say about TLS has its default. */
function tlsText({ tls }: Partial<ServiceSpec>, service: Resource): string {
  const effective = tls ?? upstreamTls.parse({});
  const trust = effective.trust?.join(' ') || 'the system store';
  return [...settings(effective, service.spec['tls']), `trust ${trust}`].join(', ');
}
