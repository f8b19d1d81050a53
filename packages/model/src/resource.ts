import type { CertificateFacts } from './certificate-chain.ts';
import type { KeyStatus, ServerKey } from './server-keys.ts';

/** The shape that all resources share, as the store keeps them and the admin API shows them. */
export const apiVersion = 'causeway/v1';
export const defaultNamespace = 'default';

/** What reads back instead of a secret, and what keeps the stored value when it is written. */
export const hiddenSecret = '(hidden)';

/** Annotations with this prefix belong to the server. */
export const reservedAnnotationPrefix = 'causeway/';

export interface Identity {
  kind: string;
  /** Absent for cluster-wide kinds. */
  namespace?: string | undefined;
  name: string;
}

/** A document that passed validation: as written, without nulls, server-set fields and defaults. */
export interface Manifest {
  apiVersion: typeof apiVersion;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    /** Compared with the stored one when present (409). */
    resourceVersion?: string;
  };
  spec: Spec;
}

/** A spec in its sparse form; the kind's schema gives the effective one. */
export type Spec = Record<string, unknown>;

export interface Metadata {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  uid: string;
  /** Revision of the last change of spec or metadata, as a string. */
  resourceVersion: string;
  /** Counts changes of spec. */
  generation: number;
  /** RFC 3339, UTC. */
  creationTimestamp: string;
}

/** A stored resource without status, which is computed on read and never stored. */
export interface StoredResource {
  apiVersion: typeof apiVersion;
  kind: string;
  metadata: Metadata;
  spec: Spec;
  /** Of a Consumer; never shown. */
  serverKeys?: readonly ServerKey[];
  /** Of a DescriptorSet that is read from a Service; never shown. */
  pinned?: PinnedDescriptors;
}

export interface PinnedDescriptors {
  /** The base64 of a FileDescriptorSet. */
  data: string;
  /** When they were read, RFC 3339. */
  at: string;
}

export interface Resource extends StoredResource {
  status?: Status & Partial<CertificateStatus> & Partial<DescriptorStatus> & { keys?: KeyStatus[] };
}

/** What the status of a DescriptorSet has besides, once its descriptors are known. */
export interface DescriptorStatus {
  /** `sha256:` and hex digits. */
  digest: string;
  files: number;
  /** Full names. */
  services: readonly string[];
  /** When they were read from a Service, RFC 3339. */
  pinnedAt?: string;
}

/** What the status of a Certificate has besides; facts are those of its first certificate. */
export interface CertificateStatus extends CertificateFacts {
  /** Keys of the objects that refer to it, such as `service/default/orders`. */
  usedBy: string[];
}

export const conditionTypes = ['Accepted', 'ResolvedRefs', 'Programmed', 'Degraded'] as const;

export interface Condition {
  type: (typeof conditionTypes)[number];
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  observedGeneration: number;
  lastTransitionTime: string;
}

export interface Status {
  observedGeneration: number;
  conditions: Condition[];
  /** Counts of connected nodes of the Gateways concerned. */
  nodes: { total: number; applied: number; pending: number; rejected: number };
  /** The revision in which this generation went out. */
  revision: number;
}

/** The one textual form of an object in data: `route/default/orders`, cluster-wide `gateway/default`. */
export function resourceKey(identity: Identity): string {
  const kind = identity.kind.toLowerCase();
  return identity.namespace === undefined
    ? `${kind}/${identity.name}`
    : `${kind}/${identity.namespace}/${identity.name}`;
}

/** The name of a namespaced object in metrics, logs and snapshots: `default/orders`. */
export function qualifiedName(namespace: string | undefined, name: string): string {
  return `${namespace ?? defaultNamespace}/${name}`;
}

/** Identity of a manifest or resource. */
export function identityOf(resource: {
  kind: string;
  metadata: { name: string; namespace?: string };
}): Identity {
  return { kind: resource.kind, namespace: resource.metadata.namespace, name: resource.metadata.name };
}
