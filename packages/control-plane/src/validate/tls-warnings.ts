import { certificateFacts, parseCertificateChain } from '@causeway/model/certificate-chain';
import type { CertificateSpec } from '@causeway/model/kinds/certificate';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { ServiceSpec } from '@causeway/model/kinds/service';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { sharedNames, uncoveredHosts } from './listener-names.ts';
import { shortKey } from './short-key.ts';

/** Warnings are cut after this many, so that one apply of many objects stays readable. */
const warningsMax = 20;

/**
 * What is allowed and hardly ever meant: Services that trust anybody, certificates outside of their time, hosts of listeners without one,
 * two for one name. Said at every
 * apply and read, changed or not. `now` is RFC 3339.
 */
export function tlsWarnings(entries: readonly Entry[], view: ResourceView, now: string): string[] {
  const warnings = entries.flatMap((entry) => warningsOf(entry, view, now));
  return [...new Set(warnings)].slice(0, warningsMax);
}

function warningsOf(entry: Entry, view: ResourceView, now: string): string[] {
  switch (entry.resource.kind) {
    case 'Service':
      return (entry.effective as ServiceSpec).tls?.verify === false
        ? [`${shortKey(entry)} takes any certificate of its endpoints (tls.verify is false)`]
        : [];
    case 'Gateway':
      return [...blindRedis(entry), ...uncoveredHosts(entry, view), ...sharedNames(entry, view)];
    case 'Certificate':
      return [
        ...timeWarning(entry, now),
        ...gatewaysOf(entry, view).flatMap((user) => sharedNames(user, view)),
      ];
    default:
      return [];
  }
}

function blindRedis(gateway: Entry): string[] {
  return (gateway.effective as GatewaySpec).redis?.tls?.verify === false
    ? [`${shortKey(gateway)} takes any certificate of its Redis (redis.tls.verify is false)`]
    : [];
}

/** Those that show it to their clients, or trust it. */
function gatewaysOf(certificate: Entry, view: ResourceView): Entry[] {
  const users = Array.from(view.referrersOf(certificate.key), (key) => view.get(key));
  return users.filter((user) => user !== undefined).filter(({ resource }) => resource.kind === 'Gateway');
}

function timeWarning(entry: Entry, now: string): string[] {
  const chain = parseCertificateChain((entry.effective as CertificateSpec).certificate);
  if (!chain.ok) return [];
  const { notBefore, notAfter } = certificateFacts(chain.certificates[0]);
  if (notAfter < now) return [`${shortKey(entry)} has expired: it was valid until ${notAfter}`];
  return notBefore > now ? [`${shortKey(entry)} is not valid yet: it will be from ${notBefore}`] : [];
}
