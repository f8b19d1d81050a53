/** What the supervisor needs to know of a Service to watch it, read from the snapshot. */

import { isDeepStrictEqual } from 'node:util';
import { decodeItem } from '@causeway/proto/compiled';
import type { CompiledService } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { SnapshotItems } from '@causeway/proto/snapshot-items';
import { type SharedMap, sharedSet } from '@causeway/router/shared-map';
import { assert } from '@causeway/runtime/assert';

import { CertificateEntry } from '../table/certificate-entry.ts';
import { readActiveCheck, readPassiveSettings } from '../table/health-settings.ts';
import { certificatesOf, readServiceSettings } from '../table/service-settings.ts';
import type { WatchSettings } from './watched-service.ts';

/** Of an update that is live: workers have built their tables from the same bytes, so all that it refers to is there. */
export function readWatchSettings(service: CompiledService, items: SnapshotItems): WatchSettings {
  const check = readActiveCheck(service);
  const passive = readPassiveSettings(service);
  if (check === undefined) return { active: undefined, passive };
  // Certificates are read for checks alone.
  const { protocol, tls } = readServiceSettings(service, certificatesFor(service, items));
  return { active: { check, protocol, tls }, passive };
}

/** Whether checks of the two are the same, if the Certificates that they refer to are. */
export function haveSameChecks(one: CompiledService, other: CompiledService): boolean {
  return (
    one.protocol === other.protocol &&
    isDeepStrictEqual(one.activeCheck, other.activeCheck) &&
    isDeepStrictEqual(one.tls, other.tls)
  );
}

function certificatesFor(
  service: CompiledService,
  items: SnapshotItems,
): SharedMap<CertificateEntry> | undefined {
  const token = { edit: true } as const;
  let certificates: SharedMap<CertificateEntry> | undefined;
  for (const name of certificatesOf(service)) {
    const item = items.get(`certificate/${name}`);
    const decoded = item && decodeItem(item);
    assert(decoded && 'kind' in decoded && decoded.kind === 'certificate', `certificate/${name} is there`);
    certificates = sharedSet(certificates, name, new CertificateEntry(decoded.value), token);
  }
  return certificates;
}
