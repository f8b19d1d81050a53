/** The names that the Certificates of a Gateway's listeners stand for, and what is odd about them. */

import { certificateFacts, parseCertificateChain } from '@causeway/model/certificate-chain';
import type { CertificateSpec } from '@causeway/model/kinds/certificate';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { shortKey } from './short-key.ts';

/**
 * Two Certificates of one port that have a name in common: clients get the first of them, and the other may be there for its other names, or
 * be the next one in a rotation. nginx warns as well.
 */
export function sharedNames(gateway: Entry, view: ResourceView): string[] {
  const ownersByPort = new Map<string, Map<string, Entry>>();
  return (gateway.effective as GatewaySpec).listeners.flatMap(({ address, port, name: own }, index) => {
    const place = port === 0 ? own : `${address} ${port}`;
    const owners = ownersByPort.get(place) ?? new Map<string, Entry>();
    ownersByPort.set(place, owners);
    return certificatesOf(gateway, index, view).flatMap((certificate) => {
      const taken = namesOf(certificate).find((name) => (owners.get(name) ?? certificate) !== certificate);
      const first = taken !== undefined && shortKey(owners.get(taken)!);
      for (const name of namesOf(certificate)) if (!owners.has(name)) owners.set(name, certificate);
      if (first === false) return [];
      return `${shortKey(gateway)}: ${shortKey(certificate)} of listener ${own} is for ${taken}, and so is ${first}, which clients get`;
    });
  });
}

/** Hosts of listeners whose clients will be shown a certificate for something else. */
export function uncoveredHosts(gateway: Entry, view: ResourceView): string[] {
  return (gateway.effective as GatewaySpec).listeners.flatMap(({ name, hosts, tls }, index) => {
    if (tls === undefined) return [];
    const names = new Set(certificatesOf(gateway, index, view).flatMap(namesOf));
    return hosts
      .filter((host) => !names.has(host) && !names.has(`*.${host.slice(host.indexOf('.') + 1)}`))
      .map((host) => `${shortKey(gateway)}: no certificate of listener ${name} is for ${host}`);
  });
}

function certificatesOf(gateway: Entry, index: number, view: ResourceView): Entry[] {
  const at = `/spec/listeners/${index}/tls/certificates/`;
  return gateway.references.flatMap(({ pointer, target }) => {
    const certificate = pointer.startsWith(at) ? view.get(target) : undefined;
    return certificate ?? [];
  });
}

function namesOf(certificate: Entry): string[] {
  const chain = parseCertificateChain((certificate.effective as CertificateSpec).certificate);
  return chain.ok ? certificateFacts(chain.certificates[0]).names.map((name) => name.toLowerCase()) : [];
}
