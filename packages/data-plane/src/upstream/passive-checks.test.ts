import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';

import { EndpointWord, endpointLayout } from '../counts/endpoint-record.ts';
import { aloneShared } from '../counts/node-shared.ts';
import { ServiceWord, serviceLayout } from '../counts/service-record.ts';
import { createSharedRecords, type SharedRecord, SharedRecords } from '../counts/shared-records.ts';
import type { EjectInThread } from '../testing/eject-in-thread.ts';
import { eject, EjectionReason, ejectedMax, readmit } from './ejection.ts';
import { PassiveChecks, type PassiveSettings } from './passive-checks.ts';
import { TryFailure, type TryOutcome } from './try-outcome.ts';

const settings: PassiveSettings = {
  connectFailures: 3,
  consecutive5xx: 0,
  successRatePercent: 0,
  minRequests: 100,
  windowMs: 30_000,
  ejectForMs: 30_000,
  maxEjectForMs: 300_000,
  maxEjectedPercent: 50,
};

function checksOf(endpoints: number, changed: Partial<PassiveSettings> = {}) {
  const shared = aloneShared();
  const service = shared.serviceRecords.open('default/s');
  const checks = new PassiveChecks({ ...settings, ...changed }, service);
  checks.setEndpoints(endpoints);
  const open = (id: string): SharedRecord => shared.endpointRecords.open(id);
  const note = (endpoint: SharedRecord, ...outcomes: TryOutcome[]): void => {
    for (const outcome of outcomes) checks.note(endpoint, outcome);
  };
  return { service, open, note };
}

const isEjected = (endpoint: SharedRecord): boolean => endpoint.load(EndpointWord.ejected) === 1;
const { connectFailure, reset, timeout, protocolError, abandoned } = TryFailure;

describe('passive checks', () => {
  it('eject at so many failed connections in a row, and tell all workers', () => {
    const { service, open, note } = checksOf(3);
    const endpoint = open('e');
    note(endpoint, connectFailure, connectFailure);
    assert.deepEqual([isEjected(endpoint), service.load(ServiceWord.epoch)], [false, 0]);
    note(endpoint, connectFailure);
    assert.deepEqual([isEjected(endpoint), service.load(ServiceWord.epoch)], [true, 1]);
    assert.equal(endpoint.load(EndpointWord.ejectedFor), EjectionReason.connectFailures);
    assert.equal(service.load(ServiceWord.ejected), 1);
  });

  it('begin anew after any answer, but not after what says nothing', () => {
    const { open, note } = checksOf(3);
    const endpoint = open('e');
    note(endpoint, connectFailure, connectFailure, 500, connectFailure, connectFailure);
    assert.equal(isEjected(endpoint), false);
    note(endpoint, abandoned, timeout, connectFailure);
    assert.equal(isEjected(endpoint), true);
  });

  it('do not look at statuses unless they are told to', () => {
    const { open, note } = checksOf(3);
    const endpoint = open('e');
    for (let count = 0; count < 100; count += 1) note(endpoint, 503, reset, timeout, protocolError);
    assert.equal(isEjected(endpoint), false);
  });

  it('count answers of 500 and more, what is reset and what times out alike', () => {
    const { open, note } = checksOf(3, { consecutive5xx: 4, connectFailures: 0 });
    const endpoint = open('e');
    note(endpoint, 500, reset, timeout, 499, 599, protocolError, 503);
    assert.equal(isEjected(endpoint), false);
    note(endpoint, connectFailure, connectFailure, connectFailure, abandoned);
    assert.equal(isEjected(endpoint), false);
    note(endpoint, 500);
    assert.equal(isEjected(endpoint), true);
    assert.equal(endpoint.load(EndpointWord.ejectedFor), EjectionReason.serverErrors);
  });

  it('never eject the only endpoint, nor more than may be', () => {
    const alone = checksOf(1);
    const only = alone.open('e');
    alone.note(only, ...Array<TryOutcome>(10).fill(connectFailure));
    assert.equal(isEjected(only), false);
    const { service, open, note } = checksOf(5);
    const endpoints = Array.from({ length: 5 }, (_, index) => open(`e-${index}`));
    for (const endpoint of endpoints) note(endpoint, ...Array<TryOutcome>(10).fill(connectFailure));
    assert.deepEqual(endpoints.map(isEjected), [true, true, false, false, false]);
    assert.equal(readmit(service, endpoints[0]!), true);
    assert.equal(readmit(service, endpoints[0]!), false);
    note(endpoints[4]!, connectFailure);
    assert.deepEqual(endpoints.map(isEjected), [false, true, false, false, true]);
    assert.equal(service.load(ServiceWord.ejected), 2);
  });

  it('count from nothing when an endpoint is back', () => {
    const { service, open, note } = checksOf(2);
    const endpoint = open('e');
    note(endpoint, connectFailure, connectFailure, connectFailure, connectFailure);
    readmit(service, endpoint);
    note(endpoint, connectFailure, connectFailure);
    assert.equal(isEjected(endpoint), false);
    note(endpoint, connectFailure);
    assert.equal(isEjected(endpoint), true);
  });

  it('round the share of endpoints down, to one of two at least', () => {
    const max = [0, 1, 2, 3, 4, 5, 10].map((endpoints) => ejectedMax(endpoints, 50));
    assert.deepEqual(max, [0, 0, 1, 1, 2, 2, 5]);
    assert.deepEqual([ejectedMax(10, 0), ejectedMax(10, 100), ejectedMax(3, 66)], [1, 10, 1]);
  });

  it('give a place back that was taken for an endpoint which another thread ejected', () => {
    const { service, open } = checksOf(4);
    const endpoint = open('e');
    assert.equal(eject(service, endpoint, 2, EjectionReason.serverErrors), true);
    assert.equal(eject(service, endpoint, 2, EjectionReason.connectFailures), false);
    assert.equal(service.load(ServiceWord.ejected), 1);
    assert.equal(endpoint.load(EndpointWord.ejectedFor), EjectionReason.serverErrors);
  });

  it('hold the cap over threads while a supervisor readmits', async (context) => {
    const workers = 3;
    const endpointCount = 9;
    const max = ejectedMax(endpointCount, settings.maxEjectedPercent);
    const services = createSharedRecords(8, workers + 1, serviceLayout);
    const memory = createSharedRecords(64, workers + 1, endpointLayout);
    const seen = new Int32Array(new SharedArrayBuffer(4));
    const code = new URL('../testing/eject-in-thread.ts', import.meta.url);
    const service = new SharedRecords(services, workers).open('default/s');
    const records = new SharedRecords(memory, workers);
    const endpoints = Array.from({ length: endpointCount }, (_, index) => records.open(`e-${index}`));
    const running = new Set(Array.from({ length: workers }).keys());
    const ends = Array.from({ length: workers }, async (_, worker) => {
      const setup: Omit<EjectInThread, 'seen'> = {
        services,
        endpoints: memory,
        worker,
        settings,
        endpointCount,
        rounds: 40_000,
        max,
      };
      const [exitCode] = await once(new Worker(code, { workerData: { ...setup, seen } }), 'exit');
      assert.equal(exitCode, 0);
      running.delete(worker);
    });
    let readmitted = 0;
    while (running.size > 0) {
      for (const endpoint of endpoints)
        if (isEjected(endpoint) && readmit(service, endpoint)) readmitted += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(ends);
    assert.equal(seen[0], 0);
    const ejected = endpoints.filter(isEjected).length;
    assert.equal(service.load(ServiceWord.ejected), ejected);
    assert.ok(readmitted > 0 && ejected <= max, `${readmitted} readmitted, ${ejected} ejected`);
    context.diagnostic(`${readmitted} readmitted meanwhile`);
  });
});
