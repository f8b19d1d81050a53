/** What the system must do for workers to be replaced without a client noticing. */

import { readFileSync } from 'node:fs';
import type { Logger } from '@causeway/runtime/logger';

/** Of the network namespace; absent before Linux 5.14, and elsewhere. */
const migrateRequestsPath = '/proc/sys/net/ipv4/tcp_migrate_req';

/**
 * Warns where connections that wait at the socket of a worker are reset when it closes, in place of going to another worker's
 * (ip-sysctl of Linux, tcp_migrate_req). `read` gives the setting, and throws where there is none.
 */
export function warnOfLostConnections(
  logger: Logger,
  read: () => string = () => readFileSync(migrateRequestsPath, 'latin1'),
): void {
  let value: string;
  try {
    value = read().trim();
  } catch {
    return;
  }
  if (value !== '0') return;
  logger.warn(
    { setting: 'net.ipv4.tcp_migrate_req', value },
    'connections that wait to be accepted are reset when a worker is replaced or dies; sysctl -w net.ipv4.tcp_migrate_req=1 has the kernel give them to another',
  );
}
