/** Reads the descriptors of a Service, by reflection of one of its endpoints. */

import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { createSecureContext, getCACertificates, rootCertificates } from 'node:tls';
import type { CertificateSpec } from '@causeway/model/kinds/certificate';
import type { DescriptorSetSpec } from '@causeway/model/kinds/descriptor-set';
import { hasTls, type ServiceSpec, upstreamTls } from '@causeway/model/kinds/service';
import { defaultNamespace, resourceKey } from '@causeway/model/resource';
import { messageOf } from '@causeway/runtime/errors';
import type { ListenAddress } from '@causeway/runtime/listen-address';
import { ChannelCredentials, credentials } from '@grpc/grpc-js';
import { certificateKeyRef } from '../store/certificate-key.ts';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import type { ReadSecret } from '../store/secret-values.ts';
import { forbiddenAddress } from '../validate/forbidden-upstreams.ts';
import { askReflection, type ReflectionServer } from './ask-reflection.ts';
import { DescriptorFault } from './descriptor-files.ts';
import { readDescriptors } from './read-descriptors.ts';

export interface ServiceReader {
  readonly resources: ResourceView;
  readonly readSecret: ReadSecret;
  /** Where nobody is asked. */
  readonly ownAddresses: readonly ListenAddress[];
}

/** For all endpoints that are tried. */
const timeoutMs = 10_000;
const endpointsTriedMax = 5;

/** Bytes that are a whole set. Throws a `DescriptorFault` that says what went wrong at the last endpoint. */
export async function readService(reader: ServiceReader, set: Entry): Promise<Uint8Array> {
  const { reflection } = set.effective as DescriptorSetSpec;
  const namespace = set.resource.metadata.namespace ?? defaultNamespace;
  const service = reader.resources.get(
    resourceKey({ kind: 'Service', namespace, name: reflection?.service ?? '' }),
  );
  if (!reflection || !service) throw new DescriptorFault('there is no Service to ask');
  const { endpoints } = service.effective as ServiceSpec;
  if (endpoints.length === 0) throw new DescriptorFault(`${service.key} has no endpoints`);
  const deadlineMs = Date.now() + timeoutMs;
  let fault: DescriptorFault | undefined;
  for (const endpoint of endpoints.slice(0, endpointsTriedMax)) {
    if (Date.now() >= deadlineMs) break;
    try {
      const server = await serverAt(reader, service, endpoint);
      const bytes = await askReflection(server, reflection.services, deadlineMs);
      readDescriptors(bytes);
      return bytes;
    } catch (error) {
      if (!(error instanceof DescriptorFault)) throw error;
      fault = new DescriptorFault(`${endpoint.address}:${endpoint.port}: ${error.message}`);
    }
  }
  throw fault ?? new DescriptorFault('no endpoint answered in time');
}

async function serverAt(
  reader: ServiceReader,
  service: Entry,
  { address, port, serverName }: ServiceSpec['endpoints'][number],
): Promise<ReflectionServer> {
  const spec = service.effective as ServiceSpec;
  const resolved = await resolve(address);
  const forbidden = forbiddenAddress(resolved, port, reader.ownAddresses);
  if (forbidden) throw new DescriptorFault(forbidden.detail);
  const target = isIP(resolved) === 6 ? `ipv6:[${resolved}]:${port}` : `ipv4:${resolved}:${port}`;
  const name = serverName ?? spec.tls?.serverName ?? address;
  if (!hasTls(spec.protocol))
    return {
      target,
      credentials: credentials.createInsecure(),
      options: { 'grpc.default_authority': `${isIP(address) === 6 ? `[${address}]` : address}:${port}` },
    };
  return {
    target,
    credentials: tlsCredentials(reader, service),
    options: { 'grpc.default_authority': name, 'grpc.ssl_target_name_override': name },
  };
}

async function resolve(address: string): Promise<string> {
  if (isIP(address) !== 0) return address;
  try {
    return (await lookup(address)).address;
  } catch (error) {
    throw new DescriptorFault(messageOf(error));
  }
}

function tlsCredentials({ resources, readSecret }: ServiceReader, service: Entry): ChannelCredentials {
  const tls = (service.effective as ServiceSpec).tls ?? upstreamTls.parse({});
  const namespace = service.resource.metadata.namespace ?? defaultNamespace;
  const certificate = (name: string): Entry => {
    const found = resources.get(resourceKey({ kind: 'Certificate', namespace, name }));
    if (!found) throw new DescriptorFault(`certificate/${namespace}/${name} does not exist`);
    return found;
  };
  const pemOf = (entry: Entry): string => (entry.effective as CertificateSpec).certificate;
  const own = tls.clientCertificate === undefined ? undefined : certificate(tls.clientCertificate);
  const keyRef = own && certificateKeyRef(own, resources);
  const key = keyRef === undefined ? undefined : readSecret(keyRef);
  const system = getCACertificates('system');
  const context = createSecureContext({
    minVersion: tls.minVersion,
    ca:
      tls.trust.length > 0
        ? tls.trust.map((name) => pemOf(certificate(name)))
        : system.length > 0
          ? system
          : [...rootCertificates],
    ...(own && key !== undefined && { cert: pemOf(own), key }),
  });
  return ChannelCredentials.createFromSecureContext(context, { rejectUnauthorized: tls.verify });
}
