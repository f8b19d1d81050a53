/** The names that the Certificates of a Gateway's listeners stand for, and what is wrong with them. */

import type { ApiProblem } from '@causeway/model/api-types';
import { certificateFacts, parseCertificateChain } from '@causeway/model/certificate-chain';
import type { CertificateSpec } from '@causeway/model/kinds/certificate';
import type { GatewaySpec } from '@causeway/model/kinds/gateway';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { shortKey } from './short-key.ts';

type Listener = GatewaySpec['listeners'][number];

interface NameClash {
  name: string;
  listener: Listener;
  /** Where the later one of the two stands. */
  pointer: string;
  /** Keys, in the order of the Gateway. */
  certificates: [string, string];
}

/** Two Certificates of one port that have a name in common: which one a client gets would be an accident. */
export function nameClashes(gateway: Entry, planned: ResourceView): NameClash[] {
  const clashes: NameClash[] = [];
  const ownersByPort = new Map<string, Map<string, string>>();
  for (const [index, listener] of (gateway.effective as GatewaySpec).listeners.entries()) {
    const { address, port, name: own } = listener;
    const place = port === 0 ? own : `${address} ${port}`;
    const owners = ownersByPort.get(place) ?? new Map<string, string>();
    ownersByPort.set(place, owners);
    for (const [at, certificate] of certificatesOf(gateway, index, planned)) {
      for (const name of namesOf(certificate)) {
        const owner = owners.get(name) ?? certificate.key;
        owners.set(name, owner);
        if (owner === certificate.key) continue;
        clashes.push({ name, listener, pointer: at, certificates: [owner, certificate.key] });
      }
    }
  }
  return clashes;
}

/** For whichever of a Gateway and its Certificates is written. */
export function checkListenerNames(
  entry: Entry,
  planned: ResourceView,
  written: ReadonlySet<string>,
): ApiProblem[] {
  if (entry.resource.kind === 'Gateway')
    return nameClashes(entry, planned).map(({ name, pointer, certificates: [first, second] }) => ({
      resource: entry.key,
      code: 'duplicate',
      pointer,
      detail: `${second} is for ${name}, and so is ${first}`,
      hint: 'keep one of the two on this port, or issue them for different names',
    }));
  return [...planned.referrersOf(entry.key)].flatMap((user): ApiProblem[] => {
    const gateway = planned.get(user);
    if (gateway?.resource.kind !== 'Gateway' || written.has(user)) return [];
    const clash = nameClashes(gateway, planned).find(({ certificates }) => certificates.includes(entry.key));
    if (clash === undefined) return [];
    const other = clash.certificates.find((key) => key !== entry.key)!;
    return [
      {
        resource: entry.key,
        code: 'duplicate',
        pointer: '/spec/certificate',
        detail: `is for ${clash.name}, and so is ${other} on listener ${clash.listener.name} of ${user}`,
        hint: 'keep one of the two on this port, or issue them for different names',
      },
    ];
  });
}

/** Hosts of listeners whose clients will be shown a certificate for something else. */
export function uncoveredHosts(gateway: Entry, planned: ResourceView): string[] {
  return (gateway.effective as GatewaySpec).listeners.flatMap(({ name, hosts, tls }, index) => {
    if (tls === undefined) return [];
    const names = new Set(certificatesOf(gateway, index, planned).flatMap(([, one]) => namesOf(one)));
    return hosts
      .filter((host) => !names.has(host) && !names.has(`*.${host.slice(host.indexOf('.') + 1)}`))
      .map((host) => `${shortKey(gateway)}: no certificate of listener ${name} is for ${host}`);
  });
}

/** Those that are there, with the pointers to them. */
function certificatesOf(gateway: Entry, index: number, planned: ResourceView): [string, Entry][] {
  const at = `/spec/listeners/${index}/tls/certificates/`;
  return gateway.references.flatMap(({ pointer, target }): [string, Entry][] => {
    const certificate = pointer.startsWith(at) ? planned.get(target) : undefined;
    return certificate === undefined ? [] : [[pointer, certificate]];
  });
}

function namesOf(certificate: Entry): string[] {
  const chain = parseCertificateChain((certificate.effective as CertificateSpec).certificate);
  return chain.ok ? certificateFacts(chain.certificates[0]).names.map((name) => name.toLowerCase()) : [];
}
