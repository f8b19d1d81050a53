import type { SharedRecord } from '../counts/shared-records.ts';
import { Standing } from './balancing/standing.ts';
import type { EndpointPool } from './endpoint-pool.ts';
import type { HeldRecord } from './held-record.ts';
import type { ServiceHandle } from './service-handle.ts';

/** What the set of endpoints says of one, and may say otherwise in its next version. */
interface EndpointTerms {
  readonly weight: number;
  /** Group for the policy `first`; 0 is the best. */
  readonly priority: number;
  readonly zone: string | undefined;
}

interface EndpointPlace {
  readonly id: string;
  readonly address: string;
  readonly port: number;
  readonly service: ServiceHandle;
}

/** One endpoint of a Service on this node: the same object as long as it stays in the set. */
export class LiveEndpoint {
  /** Stable: the same over every change of its set. Of a host name each address is an endpoint: `id/address`. */
  readonly id: string;
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  readonly pool: EndpointPool;
  /** What all workers know of it; stays over changes of the set. */
  readonly held: HeldRecord;
  /** Counts its tries. */
  readonly service: ServiceHandle;
  readonly standing = new Standing();
  /** Changed by its Service alone. */
  terms: EndpointTerms;

  constructor(place: EndpointPlace, pool: EndpointPool, held: HeldRecord, terms: EndpointTerms) {
    this.id = place.id;
    this.address = place.address;
    this.port = place.port;
    this.service = place.service;
    this.pool = pool;
    this.held = held;
    this.terms = terms;
  }

  get weight(): number {
    return this.terms.weight;
  }

  get priority(): number {
    return this.terms.priority;
  }

  get zone(): string | undefined {
    return this.terms.zone;
  }

  get record(): SharedRecord {
    return this.held.record;
  }
}
