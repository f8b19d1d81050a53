/**
 * The order of filters. Requests pass the phases from the first to the last, responses from the last to the first; the order in
 * which filters are written counts only within one kind.
 */
interface Phase {
  readonly name: string;
  readonly filters: readonly string[];
}

export const phases = [
  // Nothing is cheaper than an address, and who may not come in need not reach anything else.
  { name: 'address', filters: ['ipRestriction'] },
  // A preflight carries no credentials, so it is answered before anybody asks for them; and refusals from further in still get
  // the headers without which a browser hides them.
  { name: 'cors', filters: ['cors'] },
  // Next to the client: all that reads or changes a response has seen it plain, and the cache keeps it plain.
  { name: 'compression', filters: ['compress'] },
  // Checking credentials costs CPU, so a flood is stopped before that.
  { name: 'limits', filters: ['rateLimit', 'concurrency'] },
  // All that follows may ask who is calling.
  {
    name: 'authentication',
    filters: ['clientCertificate', 'jwt', 'apiKey', 'basicAuth', 'oidc', 'anyOf'],
  },
  // A call to somebody else, so only for callers whose credentials are good.
  { name: 'externalAuthentication', filters: ['externalAuth'] },
  // Needs the identity, of whichever of the two before.
  { name: 'authorization', filters: ['authorize'] },
  // Limits and quotas by consumer, claim or group: a refused request takes no token of somebody's quota.
  { name: 'identityLimits', filters: ['rateLimit', 'concurrency'] },
  // Marks answers about a version that goes away, also those of the filters behind.
  { name: 'version', filters: ['version'] },
  // A body is read only for a caller who may send it, and judged before anything acts on it.
  { name: 'validation', filters: ['validate'] },
  // What a Consumer may over all Routes together: behind all that refuses, so that a refused request costs it nothing.
  { name: 'consumerLimits', filters: [] },
  // The gateway's own answers: protected like an upstream's, and nothing to cache.
  { name: 'answer', filters: ['redirect', 'respond'] },
  // Behind authentication on purpose: no cached answer goes to somebody who may not have it.
  { name: 'cache', filters: ['cache'] },
  // Stands for a bad upstream, and a cached answer does not come from there.
  { name: 'fault', filters: ['faultInjection'] },
  // What is matched, authorised and cached is what the client sent; the change is for the upstream alone.
  { name: 'transformation', filters: ['transformJson', 'headers', 'rewrite'] },
  // Sees what the upstream will see, unless it names another phase.
  { name: 'plugin', filters: ['plugin'] },
  // A copy of what really goes upstream.
  { name: 'mirror', filters: ['mirror'] },
  // The last change of form: all that is before works on HTTP, all that is behind on gRPC.
  { name: 'translation', filters: ['grpcWeb', 'transcode'] },
] as const satisfies readonly Phase[];

export type PhaseName = (typeof phases)[number]['name'];

/** Position of a phase: filters of a smaller rank see the request earlier. It means something only within one version. */
export function phaseRank(name: PhaseName): number {
  return phases.findIndex((phase) => phase.name === name);
}
