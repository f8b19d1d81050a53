import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import { kindNamed } from '@causeway/model/kinds/registry';
import { defaultNamespace, type Resource } from '@causeway/model/resource';
import { shownIdentity } from '../object-key.ts';
import { timeLeft } from '../output/age.ts';
import { executionRows, executionTitles } from '../output/filters.ts';
import { cutList } from '../output/table.ts';
import { routesOn } from '../output/used-by.ts';
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

/** Routes that are named before the rest is counted. */
const routesShownMax = 10;

export async function describeGateway(session: Session, gateway: Resource): Promise<Description> {
  const spec = knownSpec<GatewaySpec>(kindNamed('Gateway')!, gateway);
  const routes = routesOn(gateway.metadata.name, await session.client.listAll('routes')).map(
    ({ kind, metadata: { namespace, name } }) => shownIdentity({ kind, namespace, name }, session.namespace),
  );
  const middlewares = await session.client.listAll('middlewares', { namespace: defaultNamespace });
  const filters = executionRows(undefined, gateway, middlewares, session.namespace);
  const nodes = await nodeParts(session, gateway);
  const listeners = (spec.listeners ?? []).map(({ name, address, port, protocol, hosts }) => [
    name,
    address,
    String(port),
    protocol,
    (hosts ?? []).join(','),
  ]);
  const certificates = await certificateRows(session, spec);
  return {
    fields: [
      ...(await headFields(session, gateway)),
      ['Routes', cutList(routes, routesShownMax)],
      ['Trusted', spec.clientAddress?.trustedProxies.join(', ') || 'no proxies'],
      ['Access log', accessLogText(spec)],
      ['Forwarding', forwardingText(spec)],
      ['Nodes', nodes.text],
    ],
    sections: [
      { title: 'Listeners', lines: tableLines(['NAME', 'ADDRESS', 'PORT', 'PROTOCOL', 'HOSTS'], listeners) },
      { title: 'Certificates', lines: tableLines(['NAME', 'NAMES', 'EXPIRES', 'LISTENERS'], certificates) },
      { title: 'Filters, in order of execution', lines: tableLines(executionTitles, filters) },
      { title: 'Timeouts', lines: settings(spec.timeouts, gateway.spec['timeouts']) },
      { title: 'Limits', lines: settings(spec.limits, gateway.spec['limits']) },
      conditionSection(session, gateway),
      nodes.section,
    ],
  };
}

/** Those that its listeners show, with the time that is left to them. */
async function certificateRows(session: Session, { listeners }: Partial<GatewaySpec>): Promise<string[][]> {
  const usersOf = (certificate: string): string[] =>
    (listeners ?? []).flatMap(({ name, tls }) => (tls?.certificates.includes(certificate) ? [name] : []));
  if (!listeners?.some(({ tls }) => tls)) return [];
  const all = await session.client.listAll('certificates', { namespace: defaultNamespace });
  return all
    .filter(({ metadata }) => usersOf(metadata.name).length > 0)
    .map(({ metadata, status }) => [
      metadata.name,
      (status?.names ?? []).join(','),
      timeLeft(status?.notAfter ?? '', session.io.nowMs()),
      usersOf(metadata.name).join(','),
    ]);
}

/** `json to stdout`, `combined to file:/var/log/causeway/access.log, 10 % of the good answers`. */
function accessLogText({ accessLog }: Partial<GatewaySpec>): string {
  if (accessLog === undefined || !accessLog.enabled) return 'off';
  const { format, output, samplePercent } = accessLog;
  const share = samplePercent === 100 ? '' : `, ${samplePercent} % of the good answers`;
  return `${format} to ${output}${share}`;
}

function forwardingText({ forwarding }: Partial<GatewaySpec>): string {
  const more = Object.entries(forwarding ?? {}).flatMap(([name, isOn]) => (isOn ? [name] : []));
  return ['x-forwarded-*', ...more].join(', ');
}
