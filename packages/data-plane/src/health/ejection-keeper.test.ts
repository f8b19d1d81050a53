import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { EndpointSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';

import { EndpointOwnWord, EndpointWord } from '../counts/endpoint-record.ts';
import { aloneShared } from '../counts/node-shared.ts';
import { ServiceWord } from '../counts/service-record.ts';
import { eject, EjectionReason, type EjectionReasonCode } from '../upstream/ejection.ts';
import type { PassiveSettings } from '../upstream/passive-checks.ts';
import { EjectionKeeper } from './ejection-keeper.ts';
import { WatchedEndpoint } from './watched-endpoint.ts';

const settings: PassiveSettings = {
  connectFailures: 3,
  consecutive5xx: 5,
  successRatePercent: 0,
  minRequests: 100,
  windowMs: 30_000,
  ejectForMs: 30_000,
  maxEjectForMs: 300_000,
  maxEjectedPercent: 50,
};

/** A Service of so many endpoints, seen by its supervisor. */
function keep(count: number, changed: Partial<PassiveSettings> = {}) {
  const shared = aloneShared();
  const service = shared.serviceRecords.open('default/s');
  const log: string[] = [];
  const keeper = new EjectionKeeper(service, {
    onEjected: ({ id }, reason, forMs) => log.push(`${id} ${reason} ${forMs}`),
    onReadmitted: ({ id }) => log.push(`${id} back`),
  });
  const endpoints = Array.from({ length: count }, (_, index) => {
    const entry = create(EndpointSchema, {
      id: `e${index}`,
      address: '127.0.0.1',
      port: 80 + index,
      weight: 1,
    });
    const record = shared.endpointRecords.open(`default/s\n${entry.id}`);
    return new WatchedEndpoint({ id: entry.id, address: entry.address, entry }, record, 0);
  });
  keeper.setSettings({ ...settings, ...changed });
  keeper.setEndpoints(endpoints);
  let monotonicMs = 0;
  return {
    keeper,
    service,
    endpoints,
    log,
    look: (laterMs = 250): string[] => {
      monotonicMs += laterMs;
      keeper.look({ monotonicMs, wallMs: 1000 + monotonicMs });
      return log.splice(0);
    },
    /** As a worker does it. */
    eject: (index: number, reason: EjectionReasonCode = EjectionReason.connectFailures) =>
      eject(service, endpoints[index]!.record, count, reason),
    isEjected: (index: number) => endpoints[index]!.record.load(EndpointWord.ejected) === 1,
  };
}

describe('ejected endpoints', () => {
  it('are told with the reason, and come back when their time is over', () => {
    const { look, eject: ejectOne, isEjected, endpoints, service } = keep(3);
    assert.deepEqual(look(), []);
    ejectOne(0);
    assert.deepEqual(look(), ['e0 connect_failures 30000']);
    assert.deepEqual(endpoints[0]!.health, {
      state: 'ejected',
      detail: '3 failed connections in a row',
      sinceMs: 1500,
    });
    assert.deepEqual(look(29_999), []);
    const epoch = service.load(ServiceWord.epoch);
    assert.deepEqual(look(1), ['e0 back']);
    assert.deepEqual([isEjected(0), service.load(ServiceWord.ejected)], [false, 0]);
    assert.equal(service.load(ServiceWord.epoch), epoch + 1);
    assert.equal(endpoints[0]!.health.state, 'unknown');
  });

  it('stay away longer each time, up to a limit, and shorter again when they were quiet', () => {
    const { look, eject: ejectOne } = keep(3, { ejectForMs: 1000, maxEjectForMs: 2500 });
    for (const forMs of [1000, 2000, 2500, 2500]) {
      ejectOne(1, EjectionReason.serverErrors);
      assert.deepEqual(look(100), [`e1 consecutive_5xx ${forMs}`]);
      assert.deepEqual(look(forMs), ['e1 back']);
    }
    // Each of 1000 ms takes one of four back.
    for (let second = 0; second < 3; second += 1) assert.deepEqual(look(1000), []);
    ejectOne(1, EjectionReason.serverErrors);
    assert.deepEqual(look(100), ['e1 consecutive_5xx 2000']);
    look(2000);
    for (let second = 0; second < 10; second += 1) look(1000);
    ejectOne(1, EjectionReason.serverErrors);
    assert.deepEqual(look(100), ['e1 consecutive_5xx 1000']);
  });

  it('give their place back when they leave', () => {
    const { keeper, look, eject: ejectOne, endpoints, service } = keep(4);
    ejectOne(0);
    ejectOne(1);
    look();
    keeper.letGo(endpoints[0]!);
    keeper.setEndpoints(endpoints.slice(1));
    assert.equal(service.load(ServiceWord.ejected), 1);
    assert.equal(endpoints[0]!.record.load(EndpointWord.ejected), 0);
    assert.deepEqual(look(), []);
  });

  it('come back early when so many may not be ejected any more', () => {
    const { keeper, look, eject: ejectOne, endpoints } = keep(4, { maxEjectedPercent: 50 });
    ejectOne(0);
    look();
    ejectOne(1);
    look();
    keeper.setEndpoints(endpoints.slice(0, 3));
    assert.deepEqual(look(), ['e0 back']);
    keeper.setEndpoints(endpoints.slice(1, 2));
    assert.deepEqual(look(), ['e1 back']);
  });

  it('come back when nothing is to eject them any more, also by tries that end later', () => {
    const { keeper, look, eject: ejectOne, log, isEjected } = keep(4);
    ejectOne(0);
    look();
    keeper.setSettings(undefined);
    assert.deepEqual(log.splice(0), ['e0 back']);
    ejectOne(2);
    look();
    assert.equal(isEjected(2), false);
  });

  it('are counted right again after a worker has ended between two words', () => {
    const { look, service, eject: ejectOne } = keep(4);
    ejectOne(0);
    service.add(ServiceWord.ejected, 1);
    look();
    assert.equal(service.load(ServiceWord.ejected), 2, 'a worker may be just about to use its place');
    look();
    assert.equal(service.load(ServiceWord.ejected), 1);
    service.add(ServiceWord.ejected, -1);
    look();
    look();
    assert.equal(service.load(ServiceWord.ejected), 1);
    look(30_000);
    assert.equal(service.load(ServiceWord.ejected), 0);
  });

  it('are those with a low success rate, by what all workers counted', () => {
    const changed = { successRatePercent: 80, minRequests: 50, windowMs: 10_000 };
    const { look, endpoints, isEjected } = keep(4, changed);
    look();
    const serve = (index: number, requests: number, failures: number): void => {
      endpoints[index]!.record.addOwn(EndpointOwnWord.requests, requests);
      endpoints[index]!.record.addOwn(EndpointOwnWord.failures, failures);
    };
    serve(0, 100, 21);
    serve(1, 100, 20);
    serve(2, 49, 49);
    // Under way, and so neither good nor bad.
    serve(3, 60, 5);
    endpoints[3]!.record.addOwn(EndpointOwnWord.active, 40);
    assert.deepEqual(look(1000), ['e0 success_rate 30000']);
    assert.match(endpoints[0]!.health.detail, /^79\.0 % of its requests/);
    assert.deepEqual([1, 2, 3].map(isEjected), [false, false, false]);
    assert.deepEqual(look(30_000), ['e0 back']);
    assert.deepEqual(look(1000), [], 'what was before is forgotten');
  });

  it('are never more than may be by success rate either', () => {
    const { look, endpoints, isEjected } = keep(3, {
      successRatePercent: 80,
      minRequests: 1,
      windowMs: 10_000,
    });
    look();
    for (const { record } of endpoints) {
      record.addOwn(EndpointOwnWord.requests, 100);
      record.addOwn(EndpointOwnWord.failures, 100);
    }
    assert.equal(look(1000).length, 1);
    assert.deepEqual([0, 1, 2].map(isEjected), [true, false, false]);
  });
});
