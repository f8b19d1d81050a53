import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { before, describe, it } from 'node:test';
import { runAtOnce } from '@causeway/runtime/work-slices';
import type { Compiled } from '@causeway/proto/compiled';
import { Protocol, TlsVersion } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { sharedGet } from '@causeway/router/shared-map';
import { type IssuedCertificate, TestAuthority } from '@causeway/runtime/testing/test-authority';

import { sharedBuild } from '../testing/shared-build.ts';
import { configDump } from '../observe/config-dump.ts';
import {
  certificateItem,
  type Change,
  gatewayItem,
  NodeFixture,
  serviceItem,
} from '../testing/node-fixture.ts';
import { poolContext } from '../testing/pools.ts';
import { type BuiltTable, buildTable } from './build-table.ts';
import type { Table } from './table.ts';

interface Tls {
  trust?: string[];
  clientCertificate?: string;
  minVersion?: TlsVersion;
}

function https(name: string, tls: Tls = {}): Compiled {
  const full = { verify: true, minVersion: TlsVersion.TLS_VERSION_1_2, ...tls };
  return serviceItem(name, { protocol: Protocol.HTTPS, tls: full });
}

/** Steps of one snapshot, each built on the table before it. */
class Steps {
  readonly #fixture = new NodeFixture();
  table: Table | undefined;
  #held: readonly Compiled[] = [];

  build(change: Change): BuiltTable {
    const changed = new Set([...(change.items ?? []).map(({ key }) => key), ...(change.removedKeys ?? [])]);
    this.#held = [...this.#held.filter(({ key }) => !changed.has(key)), ...(change.items ?? [])];
    const { items } = this.#fixture.update({ items: this.#held });
    const update = { ...this.#fixture.update(change), items };
    return runAtOnce(buildTable(this.table, update, poolContext(), sharedBuild()));
  }

  take(change: Change): Extract<BuiltTable, { ok: true }> {
    const built = this.build(change);
    assert.ok(built.ok, inspect(built));
    this.table = built.table;
    return built;
  }

  handle(name: string): object | undefined {
    return sharedGet(this.table?.services, `default/${name}`);
  }
}

describe('Services with TLS', () => {
  let authority: TestAuthority;
  let one: IssuedCertificate;
  let two: IssuedCertificate;
  before(async () => {
    authority = await TestAuthority.create();
    one = await authority.issue({ names: ['one'] });
    two = await authority.issue({ names: ['two'] });
  });

  it('get a new handle when a Certificate of theirs changes, and others keep theirs', () => {
    const steps = new Steps();
    const ca = certificateItem('ca', authority);
    steps.take({
      items: [
        gatewayItem(),
        ca,
        certificateItem('c', one),
        https('shows', { trust: ['default/ca'], clientCertificate: 'default/c' }),
        https('trusts', { trust: ['default/ca'] }),
        https('system'),
        serviceItem('plain'),
      ],
    });
    const names = ['shows', 'trusts', 'system', 'plain'];
    const handles = () => names.map((name) => steps.handle(name));
    const first = handles();
    const { leaving } = steps.take({ items: [certificateItem('c', two)] });
    const second = handles();
    assert.deepEqual(
      second.map((handle, index) => handle === first[index]),
      [false, true, true, true],
    );
    assert.deepEqual(leaving, [first[0]]);
    steps.take({ items: [ca], removedKeys: ['service/default/shows', 'certificate/default/c'] });
    assert.deepEqual(
      handles().map((handle, index) => handle === second[index]),
      [false, false, true, true],
    );
    assert.equal(steps.handle('shows'), undefined);
    assert.equal(sharedGet(steps.table?.certificates, 'default/c'), undefined);
    const third = handles();
    steps.take({ items: [serviceItem('trusts')] });
    const fourth = handles();
    assert.deepEqual(
      fourth.map((handle, index) => handle === third[index]),
      [true, false, true, true],
    );
    steps.take({ items: [certificateItem('ca', { certificate: two.certificate })] });
    assert.deepEqual(handles(), fourth, 'nobody refers to it any more');
  });

  it('are refused when their Certificates are missing, keyless or damaged', () => {
    const problems = (...items: Compiled[]): string[] => {
      const built = new Steps().build({ items: [gatewayItem(), ...items] });
      return built.ok
        ? []
        : built.problems.map(({ reason, resource, detail }) => `${reason} ${resource} ${detail}`);
    };
    const shows = https('a', { clientCertificate: 'default/c' });
    assert.deepEqual(problems(shows), [
      'invalid_resource service/default/a certificate/default/c is not in the snapshot',
    ]);
    assert.deepEqual(problems(shows, certificateItem('c', { certificate: one.certificate })), [
      'invalid_resource service/default/a certificate/default/c came without its key',
    ]);
    const [mismatch = ''] = problems(shows, certificateItem('c', { ...one, key: two.key }));
    assert.match(mismatch, /^invalid_resource service\/default\/a .*key values mismatch/);
    assert.deepEqual(problems(https('a', { minVersion: 99 as TlsVersion })), [
      'too_old service/default/a tls.minVersion 99',
    ]);
    assert.deepEqual(problems(serviceItem('a', { protocol: Protocol.HTTPS })), [
      'invalid_resource service/default/a tls is missing',
    ]);
    for (const protocol of [Protocol.HTTP, Protocol.H2C])
      assert.deepEqual(problems(serviceItem('a', { protocol, tls: {} })), [
        'invalid_resource service/default/a tls without a TLS protocol',
      ]);
    assert.deepEqual(problems(serviceItem('a', { protocol: Protocol.H2 })), [
      'invalid_resource service/default/a tls is missing',
    ]);
    assert.deepEqual(problems(serviceItem('a', { protocol: 99 as Protocol })), [
      'too_old service/default/a protocol 99',
    ]);
  });

  it('show a key in neither dump nor inspection (invariant 11)', () => {
    const steps = new Steps();
    steps.take({
      items: [gatewayItem(), certificateItem('c', one), https('a', { clientCertificate: 'default/c' })],
    });
    const shown = [
      JSON.stringify(configDump(steps.table!, () => undefined)),
      JSON.stringify(sharedGet(steps.table?.certificates, 'default/c')),
      inspect(steps.table, { depth: Infinity, maxStringLength: Infinity, showHidden: true }),
    ].join('');
    const body = one.key.split('\n')[2]!;
    assert.ok(body.length > 40 && !shown.includes(body));
    assert.match(shown, /"certificates":\[\{"name":"default\/c","hasKey":true\}\]/);
  });
});
