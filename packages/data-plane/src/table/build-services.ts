/** The Services of a table, and the Certificates that their connections depend on. */

import { decodeItem } from '@causeway/proto/compiled';
import type { CompiledService } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { SnapshotItems } from '@causeway/proto/snapshot-items';
import { sharedGet, type SharedMap, sharedValues } from '@causeway/router/shared-map';
import { assert } from '@causeway/runtime/assert';
import type { Steps } from '@causeway/runtime/work-slices';

import type { PoolContext } from '../upstream/endpoint-pool.ts';
import { ServiceHandle } from '../upstream/service-handle.ts';
import { applyChanges, type Changes } from './apply-changes.ts';
import type { CertificateEntry } from './certificate-entry.ts';
import { certificatesOf, readServiceSettings } from './service-settings.ts';
import type { CertificateUses, Table } from './table.ts';

export interface ServiceChanges {
  readonly services: Changes<CompiledService>;
  readonly certificates: Changes<CertificateEntry>;
}

export interface BuiltServices extends Pick<Table, 'services' | 'certificates' | 'certificateUses'> {
  /** Handles that `previous` holds and the new table does not. */
  readonly leaving: readonly ServiceHandle[];
}

/** A Service that cannot be built keeps its place and is told to `onProblem`, by its key; then the result is not to be used. */
export function* buildServices(
  previous: Table | undefined,
  items: SnapshotItems,
  changes: ServiceChanges,
  pools: PoolContext,
  onProblem: (key: string, error: unknown) => void,
): Steps<BuiltServices> {
  const certificates = yield* applyChanges(previous?.certificates, changes.certificates);
  const changed = withCertificateUsers(previous, items, changes);
  const handles = new Map<string, ServiceHandle | undefined>();
  for (const [name, service] of changed) {
    try {
      handles.set(name, service && createHandle(service, certificates, pools));
    } catch (error) {
      onProblem(`service/${name}`, error);
    }
    yield;
  }
  return {
    services: yield* applyChanges(previous?.services, handles),
    certificates,
    certificateUses: yield* applyChanges(previous?.certificateUses, usesOf(changed)),
    leaving: [...handles.keys()].flatMap((name) => sharedGet(previous?.services, name) ?? []),
  };
}

function createHandle(
  service: CompiledService,
  certificates: SharedMap<CertificateEntry> | undefined,
  pools: PoolContext,
): ServiceHandle {
  return new ServiceHandle(service.name, readServiceSettings(service, certificates), pools);
}

/** The changed Services, and those that refer to a changed Certificate. */
function withCertificateUsers(
  previous: Table | undefined,
  items: SnapshotItems,
  { services, certificates }: ServiceChanges,
): Changes<CompiledService> {
  if (certificates.size === 0) return services;
  const all = new Map(services);
  for (const { service, certificates: used } of sharedValues(previous?.certificateUses)) {
    if (services.has(service) || !used.some((name) => certificates.has(name))) continue;
    all.set(service, heldService(items, service));
  }
  return all;
}

/** A Service that the table holds already: its bytes have been decoded before. */
function heldService(items: SnapshotItems, name: string): CompiledService {
  const item = items.get(`service/${name}`);
  const decoded = item && decodeItem(item);
  assert(decoded && 'kind' in decoded && decoded.kind === 'service', `service/${name} is in the snapshot`);
  return decoded.value;
}

function usesOf(changed: Changes<CompiledService>): Changes<CertificateUses> {
  const uses = new Map<string, CertificateUses | undefined>();
  for (const [service, value] of changed) {
    const certificates = value === undefined ? [] : certificatesOf(value);
    uses.set(service, certificates.length === 0 ? undefined : { service, certificates });
  }
  return uses;
}
