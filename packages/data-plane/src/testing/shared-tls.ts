import { systemClock } from '@causeway/runtime/clock';

import { Staples } from '../listen/tls/ocsp/staples.ts';
import { TicketKeys } from '../listen/tls/ticket-keys.ts';
import type { SharedTls } from '../table/build-fronts.ts';

/** Of a node that is alone and just begins. */
export function sharedTls(): SharedTls {
  return { ticketKeys: new TicketKeys(), staples: new Staples(systemClock) };
}
