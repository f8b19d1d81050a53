import type { ExplainFilter } from '@causeway/model/api-types';
import type { IpRestrictionSpec } from '@causeway/model/filters/ip-restriction';
import type { TranscodeSpec } from '@causeway/model/filters/transcode';
import type { OidcSpec } from '@causeway/model/filters/oidc';
import type { CacheSpec } from '@causeway/model/filters/cache';
import type { ExpandedFilter } from '@causeway/model/filters/expand-filters';
import { CidrSet } from '@causeway/runtime/cidr-set';

/** What filters do to the request that is explained, as far as the request alone tells. */

type Effect = ExplainFilter['effect'];

/** The request as far as filters ask. */
export interface ExplainedRequest {
  method: string;
  clientAddress: string;
  /** Canonical. */
  path: string;
  header(lowerName: string): string | undefined;
}

const passes: Effect = { status: null, reason: null, detail: 'passes' };

export function effectOf({ kind, spec }: ExpandedFilter, request: ExplainedRequest): Effect {
  const status = kind?.answerStatus?.(spec);
  if (status !== undefined) return { status, reason: null, detail: `answers ${status}` };
  switch (kind?.key) {
    case 'cors':
      return effectOfCors(request);
    case 'ipRestriction':
      return effectOfAddresses(spec as IpRestrictionSpec, request);
    case 'authorize':
      return { ...passes, detail: 'depends on who calls' };
    case 'cache':
      return effectOfCache(spec as CacheSpec, request);
    case 'oidc':
      return effectOfLogin(spec as OidcSpec, request);
    case 'grpcWeb':
      return effectOfGrpcWeb(request);
    case 'transcode':
      return effectOfTranscoding(spec as TranscodeSpec, request);
    case 'headers':
    case 'rewrite':
    case 'transformJson':
      return { ...passes, detail: 'changes what goes on' };
    default:
      return passes;
  }
}

function effectOfCors(request: ExplainedRequest): Effect {
  if (request.header('origin') === undefined) return { ...passes, detail: 'no Origin: nothing to do' };
  if (request.method !== 'OPTIONS' || request.header('access-control-request-method') === undefined)
    return { ...passes, detail: 'tells the browser whether the page may read the answer' };
  return { status: 204, reason: null, detail: 'answers the preflight, 204' };
}

function effectOfGrpcWeb(request: ExplainedRequest): Effect {
  const isWeb = /^application\/grpc-web/i.test(request.header('content-type') ?? '');
  return { ...passes, detail: isWeb ? 'makes a call by gRPC of it' : 'no gRPC-Web: nothing to do' };
}

function effectOfLogin(spec: OidcSpec, request: ExplainedRequest): Effect {
  const { callbackPath, logoutPath, provider, cookie, unauthenticated } = spec;
  const tells = (detail: string): Effect => ({ ...passes, detail });
  if (request.path === callbackPath) return tells(`ends a login at ${provider}`);
  if (request.path === logoutPath) return tells('logs out');
  if (request.header('cookie')?.includes(`${cookie.name}=`) === true) return tells('depends on the session');
  return tells(
    unauthenticated === 'deny'
      ? 'no session: 401'
      : 'no session: browsers are sent to log in, others get 401',
  );
}

function effectOfCache({ methods }: CacheSpec, request: ExplainedRequest): Effect {
  const tells = (detail: string): Effect => ({ ...passes, detail });
  if (!['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(request.method))
    return tells('what is stored of its URL goes when it succeeds');
  const beyond = ['if-match', 'if-unmodified-since', 'upgrade'];
  const isBeyond = beyond.some((name) => request.header(name) !== undefined);
  if (isBeyond || !methods.some((method) => method === request.method)) return tells('not from the cache');
  return tells('from the cache, if it has a fresh answer');
}

function effectOfTranscoding({ descriptors, unmatched }: TranscodeSpec, request: ExplainedRequest): Effect {
  if (request.header('content-type')?.startsWith('application/grpc') === true)
    return { ...passes, detail: 'gRPC already: passes' };
  const otherwise = unmatched === 'pass' ? 'passes' : '404 no_grpc_method';
  return { ...passes, detail: `a call by gRPC, if ${descriptors} binds a method to it; else ${otherwise}` };
}

function effectOfAddresses({ allow, deny }: IpRestrictionSpec, { clientAddress }: ExplainedRequest): Effect {
  const isDenied = new CidrSet(deny).has(clientAddress);
  if (!isDenied && (allow.length === 0 || new CidrSet(allow).has(clientAddress)))
    return { ...passes, detail: `lets ${clientAddress} in` };
  return {
    status: 403,
    reason: 'forbidden',
    detail: `would refuse: 403 forbidden, ${clientAddress} is ${isDenied ? 'denied' : 'not allowed'}`,
  };
}
