import { BlockList, isIP } from 'node:net';
import type { ApiProblem } from '@causeway/model/api-types';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { RouteSpec } from '@causeway/model/kinds/route';
import type { ServiceSpec } from '@causeway/model/kinds/service';
import { isLoopback, type ListenAddress } from '@causeway/runtime/listen-address';
import { encodeItem } from '@causeway/proto/compiled';
import { parsePathMatch } from '@causeway/router/path-pattern';
import { parseRegex } from '@causeway/router/regex';
import { compileResource } from '../compile/compile-resource.ts';
import type { Entry } from '../store/resource-index.ts';

/** Link-local addresses, where clouds serve credentials to whoever asks (RFC 3927, RFC 4291), and the unspecified ones. */
const forbiddenUpstreams = new BlockList();
forbiddenUpstreams.addSubnet('169.254.0.0', 16, 'ipv4');
forbiddenUpstreams.addSubnet('0.0.0.0', 8, 'ipv4');
forbiddenUpstreams.addSubnet('fe80::', 10, 'ipv6');
forbiddenUpstreams.addAddress('::', 'ipv6');
forbiddenUpstreams.addAddress('fd00:ec2::254', 'ipv6');

/**
 * What a schema cannot see: that a node can build a table from it, and that its endpoints may be reached. Throws when it
 * cannot be compiled, which is our bug: better here, with nothing written, than in every stream.
 */
export function checkBuildable(entry: Entry, ownAddresses: readonly ListenAddress[]): ApiProblem[] {
  const problems = checksOf(entry, ownAddresses);
  if (problems.length === 0) {
    const compiled = compileResource(entry, 'default');
    if (compiled) encodeItem(compiled);
  }
  return problems.map((problem) => ({ ...problem, resource: entry.key }));
}

function checksOf(entry: Entry, ownAddresses: readonly ListenAddress[]): ApiProblem[] {
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

type RouteMatch = RouteSpec['matches'][number];

function checkRoute(spec: RouteSpec): ApiProblem[] {
  return spec.matches.flatMap((match, index) => [
    ...checkPath(match.path, `/spec/matches/${index}/path`),
    ...checkPredicates(match, `/spec/matches/${index}`),
  ]);
}

function checkPath(path: RouteMatch['path'], pointer: string): ApiProblem[] {
  const [[way, text]] = Object.entries(path).filter(([, value]) => value !== undefined) as [[string, string]];
  const parsed = parsePathMatch({ [way]: text } as unknown as Parameters<typeof parsePathMatch>[0]);
  return parsed.ok ? [] : [{ code: 'bad_format', pointer: `${pointer}/${way}`, detail: parsed.detail }];
}

function checkPredicates(match: RouteMatch, pointer: string): ApiProblem[] {
  return (['headers', 'query', 'cookies'] as const).flatMap((field) =>
    match[field].flatMap(({ regex }, at): ApiProblem[] => {
      const parsed = regex === undefined ? undefined : parseRegex(regex);
      if (!parsed || parsed.ok) return [];
      return [{ code: 'bad_format', pointer: `${pointer}/${field}/${at}/regex`, detail: parsed.detail }];
    }),
  );
}

function checkEndpoints(spec: ServiceSpec, ownAddresses: readonly ListenAddress[]): ApiProblem[] {
  return spec.endpoints.flatMap(({ address, port }, index): ApiProblem[] => {
    const complaint = forbiddenAddress(address, port, ownAddresses);
    return complaint
      ? [{ code: 'forbidden_address', pointer: `/spec/endpoints/${index}/address`, ...complaint }]
      : [];
  });
}

/** Names are judged by nodes, on the addresses that they resolve to; here only those that need no resolver. */
function forbiddenAddress(
  address: string,
  port: number,
  ownAddresses: readonly ListenAddress[],
): { detail: string; hint: string } | undefined {
  const version = isIP(address);
  if (version !== 0 && forbiddenUpstreams.check(address, version === 4 ? 'ipv4' : 'ipv6')) {
    return {
      detail: `${address} is a link-local, metadata or unspecified address, which no endpoint may have`,
      hint: 'name the address that the upstream listens on',
    };
  }
  if (ownAddresses.some((own) => own.port === port && isSameHost(own.host, address))) {
    return {
      detail: `${address}:${port} is the control plane itself`,
      hint: 'no Route may lead to the control plane',
    };
  }
  return undefined;
}

/** Loopback has many spellings, so on a port of ours every one of them is refused. */
function isSameHost(own: string, address: string): boolean {
  return own === address || (isLoopback(own) && isLoopback(address));
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
