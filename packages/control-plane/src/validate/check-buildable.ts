import { BlockList, isIP } from 'node:net';
import type { ApiProblem } from '@causeway/model/api-types';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { RouteSpec } from '@causeway/model/kinds/route';
import type { ServiceSpec } from '@causeway/model/kinds/service';
import { parsePathMatch } from '@causeway/router/path-pattern';
import { parseRegex } from '@causeway/router/regex';
import type { Entry } from '../store/resource-index.ts';

/** Link-local addresses, where clouds serve credentials to whoever asks (RFC 3927, RFC 4291), and the unspecified ones. */
const forbiddenUpstreams = new BlockList();
forbiddenUpstreams.addSubnet('169.254.0.0', 16, 'ipv4');
forbiddenUpstreams.addSubnet('0.0.0.0', 8, 'ipv4');
forbiddenUpstreams.addSubnet('fe80::', 10, 'ipv6');
forbiddenUpstreams.addAddress('::', 'ipv6');
forbiddenUpstreams.addAddress('fd00:ec2::254', 'ipv6');

/** What a schema cannot see: that a node can build a table from it, and that its endpoints may be reached. */
export function checkBuildable(entry: Entry, ownAddresses: readonly string[]): ApiProblem[] {
  const problems = checksOf(entry, ownAddresses);
  return problems.map((problem) => ({ ...problem, resource: entry.key }));
}

function checksOf(entry: Entry, ownAddresses: readonly string[]): ApiProblem[] {
  switch (entry.resource.kind) {
    case 'Route':
      return checkRoute(entry.effective as RouteSpec);
    case 'Service':
      return checkEndpoints(entry.effective as ServiceSpec, ownAddresses);
    case 'Gateway':
      return checkListeners(entry.effective as GatewaySpec);
    default:
      return [];
  }
}

function checkRoute(spec: RouteSpec): ApiProblem[] {
  return spec.matches.flatMap((match, index) => {
    const problems: ApiProblem[] = [];
    const [[way, text]] = Object.entries(match.path).filter(([, value]) => value !== undefined) as [
      [string, string],
    ];
    const path = parsePathMatch({ [way]: text } as unknown as Parameters<typeof parsePathMatch>[0]);
    if (!path.ok)
      problems.push({
        code: 'bad_format',
        pointer: `/spec/matches/${index}/path/${way}`,
        detail: path.detail,
      });
    for (const field of ['headers', 'query', 'cookies'] as const) {
      for (const [at, predicate] of match[field].entries()) {
        const regex = predicate.regex === undefined ? undefined : parseRegex(predicate.regex);
        if (regex && !regex.ok)
          problems.push({
            code: 'bad_format',
            pointer: `/spec/matches/${index}/${field}/${at}/regex`,
            detail: regex.detail,
          });
      }
    }
    return problems;
  });
}

function checkEndpoints(spec: ServiceSpec, ownAddresses: readonly string[]): ApiProblem[] {
  return spec.endpoints.flatMap(({ address, port }, index): ApiProblem[] => {
    const version = isIP(address);
    const pointer = `/spec/endpoints/${index}/address`;
    if (version !== 0 && forbiddenUpstreams.check(address, version === 4 ? 'ipv4' : 'ipv6')) {
      return [
        {
          code: 'forbidden_address',
          pointer,
          detail: `${address} is a link-local, metadata or unspecified address, which no endpoint may have`,
          hint: 'name the address that the upstream listens on',
        },
      ];
    }
    if (ownAddresses.includes(`${address === 'localhost' ? '127.0.0.1' : address}:${port}`)) {
      return [
        {
          code: 'forbidden_address',
          pointer,
          detail: `${address}:${port} is the control plane itself`,
          hint: 'no Route may lead to the control plane',
        },
      ];
    }
    return [];
  });
}

/** Listeners of one address and port must be told apart by their hosts. */
function checkListeners(spec: GatewaySpec): ApiProblem[] {
  const problems: ApiProblem[] = [];
  const owners = new Map<string, string>();
  for (const [index, listener] of spec.listeners.entries()) {
    if (listener.port === 0) continue;
    for (const host of listener.hosts.length > 0 ? listener.hosts : ['*']) {
      const place = `${listener.address}:${listener.port} ${host}`;
      const owner = owners.get(place);
      if (owner === undefined) owners.set(place, listener.name);
      else
        problems.push({
          code: 'duplicate',
          pointer: `/spec/listeners/${index}`,
          detail: `the same address, port and host as listener ${owner}`,
          hint: 'give them different hosts or ports',
        });
    }
  }
  return problems;
}
