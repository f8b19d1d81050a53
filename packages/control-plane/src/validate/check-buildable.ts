import { getCiphers } from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import type { ApiProblem } from '@causeway/model/api-types';
import { didYouMean } from '@causeway/model/hints';
import type { ApiSpecSpec } from '@causeway/model/kinds/api-spec';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { MiddlewareSpec } from '@causeway/model/kinds/middleware';
import type { PluginSpec } from '@causeway/model/kinds/plugin';
import { type PathMatch, pathOf, type RouteSpec } from '@causeway/model/kinds/route';
import type { ServiceSpec } from '@causeway/model/kinds/service';
import type { ListenAddress } from '@causeway/runtime/listen-address';
import { encodeItem } from '@causeway/proto/compiled';
import { canonicalPath, encodedNames } from '@causeway/router/canonical-path';
import { parsePathMatch } from '@causeway/router/path-pattern';
import { parseRegex } from '@causeway/router/regex';
import { checkDescriptors } from './check-descriptors.ts';
import { checkApiSpec, checkConfigSchema, checkSchemas } from './check-schemas.ts';
import { compileResource } from '../compile/compile-resource.ts';
import type { Entry } from '../store/resource-index.ts';
import { forbiddenAddress } from './forbidden-upstreams.ts';

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

function checksOf(entry: Entry, ownAddresses: readonly ListenAddress[]): readonly ApiProblem[] {
  switch (entry.resource.kind) {
    case 'Route':
      return [...checkRoute(entry.effective as RouteSpec), ...checkSchemas(entry.effective as RouteSpec)];
    case 'Service':
      return checkEndpoints(entry.effective as ServiceSpec, ownAddresses);
    case 'Gateway':
      return [
        ...checkListeners(entry.effective as GatewaySpec),
        ...checkCiphers(entry.effective as GatewaySpec),
        ...checkSchemas(entry.effective as GatewaySpec),
      ];
    case 'Plugin':
      return checkConfigSchema(entry.effective as PluginSpec);
    case 'ApiSpec':
      return checkApiSpec(entry.effective as ApiSpecSpec);
    case 'DescriptorSet':
      return checkDescriptors(entry);
    case 'Middleware':
      return checkSchemas(entry.effective as MiddlewareSpec);
    default:
      return [];
  }
}

type RouteMatch = RouteSpec['matches'][number];

function checkRoute(spec: RouteSpec): ApiProblem[] {
  return spec.matches.flatMap((match, index) => [
    ...checkPath(pathOf(match), spec.allowEncoded, `/spec/matches/${index}/path`),
    ...checkPredicates(match, `/spec/matches/${index}`),
  ]);
}

function checkPath(path: PathMatch, allowEncoded: readonly string[], pointer: string): ApiProblem[] {
  const [[way, text]] = Object.entries(path).filter(([, value]) => value !== undefined) as [[string, string]];
  const parsed = parsePathMatch({ [way]: text } as unknown as Parameters<typeof parsePathMatch>[0]);
  if (!parsed.ok) return [{ code: 'bad_format', pointer: `${pointer}/${way}`, detail: parsed.detail }];
  const encoded = way === 'regex' ? undefined : canonicalPath(text.replaceAll(/[{}]/g, ''), false);
  const refused = encoded?.ok
    ? encodedNames(encoded.encoded).filter((name) => !allowEncoded.includes(name))
    : [];
  if (refused.length === 0) return [];
  return [
    {
      code: 'bad_format',
      pointer: `${pointer}/${way}`,
      detail: `the path holds an encoded ${refused.join(', ')}, with which every request is refused`,
      hint: `write allowEncoded: [${refused.join(', ')}] if that is meant`,
    },
  ];
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

/** Names are judged by nodes, on the addresses that they resolve to; here only those that need no resolver. */
function checkEndpoints(spec: ServiceSpec, ownAddresses: readonly ListenAddress[]): ApiProblem[] {
  return spec.endpoints.flatMap(({ address, port }, index): ApiProblem[] => {
    const complaint = forbiddenAddress(address, port, ownAddresses);
    return complaint
      ? [{ code: 'forbidden_address', pointer: `/spec/endpoints/${index}/address`, ...complaint }]
      : [];
  });
}

/** Listeners that share a port must be told apart by their hosts, and then they share the address too. */
function checkListeners(spec: GatewaySpec): ApiProblem[] {
  return spec.listeners.flatMap((listener, index): ApiProblem[] => {
    const pointer = `/spec/listeners/${index}`;
    const before = spec.listeners.slice(0, index).filter(({ port }) => port === listener.port && port !== 0);
    const overlapping = before.find(
      ({ address }) => address !== listener.address && [address, listener.address].some(isWildcard),
    );
    if (overlapping) {
      return [
        {
          code: 'duplicate',
          pointer: `${pointer}/address`,
          detail: `${overlapping.address} of listener ${overlapping.name} has port ${listener.port} on every address`,
          hint: 'give both listeners the same address, or different ports',
        },
      ];
    }
    const unlike = before.find(
      (other) => other.address === listener.address && !isSameFront(other, listener),
    );
    if (unlike) {
      return [
        {
          code: 'exclusive',
          pointer,
          detail: `speaks otherwise than listener ${unlike.name} on the same port`,
          hint: 'protocol, http2, proxyProtocol, tls.minVersion, ciphers and clientAuth are settled before the host is known: make them equal, or take another port',
        },
      ];
    }
    const twin = before.find((other) => other.address === listener.address && shareHost(other, listener));
    return twin
      ? [
          {
            code: 'duplicate',
            pointer,
            detail: `the same address, port and host as listener ${twin.name}`,
            hint: 'give them different hosts or ports',
          },
        ]
      : [];
  });
}

/** Of ciphers that it does not know OpenSSL says nothing as long as it knows one. */
function checkCiphers(spec: GatewaySpec): ApiProblem[] {
  const known = new Set(getCiphers().map((name) => name.toUpperCase()));
  return spec.listeners.flatMap(({ tls }, index) =>
    (tls?.ciphers ?? []).flatMap((name, at): ApiProblem[] => {
      if (known.has(name.toUpperCase())) return [];
      const hint = didYouMean(name.toUpperCase(), [...known]);
      return [
        {
          code: 'bad_format',
          pointer: `/spec/listeners/${index}/tls/ciphers/${at}`,
          detail: `${JSON.stringify(name)} is not a cipher suite that nodes know`,
          ...(hint === undefined ? {} : { hint }),
        },
      ];
    }),
  );
}

type Listener = GatewaySpec['listeners'][number];

/** What is agreed on with a client before it has named a host, or in the same breath. */
function isSameFront(one: Listener, other: Listener): boolean {
  const frontOf = ({ protocol, http2, proxyProtocol, tls }: Listener) => ({
    protocol,
    http2,
    proxyProtocol,
    tls: tls && { ...tls, certificates: undefined },
  });
  return isDeepStrictEqual(frontOf(one), frontOf(other));
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function shareHost(a: Listener, b: Listener): boolean {
  if (a.hosts.length === 0 || b.hosts.length === 0) return a.hosts.length === b.hosts.length;
  return a.hosts.some((host) => b.hosts.includes(host));
}
