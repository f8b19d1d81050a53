/** A thread that reports failures of all endpoints of a Service as fast as it can, and looks whether more are ejected than may be. */

import { workerData } from 'node:worker_threads';

import type { KeyedTableMemory } from '../counts/keyed-table.ts';
import { ServiceWord } from '../counts/service-record.ts';
import { SharedRecords } from '../counts/shared-records.ts';
import { PassiveChecks, type PassiveSettings } from '../upstream/passive-checks.ts';
import { TryFailure } from '../upstream/try-outcome.ts';

export interface EjectInThread {
  readonly services: KeyedTableMemory;
  readonly endpoints: KeyedTableMemory;
  readonly worker: number;
  readonly settings: PassiveSettings;
  readonly endpointCount: number;
  readonly rounds: number;
  /** Most that may be ejected. */
  readonly max: number;
  /** Word 0: how often more were. */
  readonly seen: Int32Array;
}

const setup = workerData as EjectInThread;
const service = new SharedRecords(setup.services, setup.worker).open('default/s');
const records = new SharedRecords(setup.endpoints, setup.worker);
const endpoints = Array.from({ length: setup.endpointCount }, (_, index) => records.open(`e-${index}`));
const checks = new PassiveChecks(setup.settings, service);
checks.setEndpoints(setup.endpointCount);
for (let round = 0; round < setup.rounds; round += 1) {
  for (const endpoint of endpoints) checks.note(endpoint, TryFailure.connectFailure);
  if (service.load(ServiceWord.ejected) > setup.max) Atomics.add(setup.seen, 0, 1);
}
