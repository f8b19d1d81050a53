// DescriptorSets that are read from gRPC servers by reflection.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Type as Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import { TestAuthority } from '@causeway/runtime/testing/test-authority';
import { ServerCredentials } from '@grpc/grpc-js';
import type { Answer } from '../../kit/admin.ts';
import { eventually } from '../../kit/eventually.ts';
import { OwnScope } from '../../kit/owner.ts';
import { startControlPlane } from '../../kit/processes.ts';
import { type ReflectionOptions, startReflection } from '../../kit/upstreams/grpc-reflection.ts';
import { inNamespace, oneControlPlane } from './one-control-plane.ts';

const file = (init: MessageInitShape<typeof FileDescriptorProtoSchema>): FileDescriptorProto =>
  create(FileDescriptorProtoSchema, { syntax: 'proto3', package: 'shop', ...init });

const items = file({
  name: 'items.proto',
  messageType: [{ name: 'Item', field: [{ name: 'name', jsonName: 'name', number: 1, type: Type.STRING }] }],
});
const orders = file({
  name: 'orders.proto',
  dependency: ['items.proto', 'google/protobuf/empty.proto'],
  service: [
    {
      name: 'Orders',
      method: [{ name: 'Get', inputType: '.google.protobuf.Empty', outputType: '.shop.Item' }],
    },
  ],
});
const files = [orders, items];

const authority = await TestAuthority.create();
const issued = await authority.issue({ names: ['shop.test'] });
const tls = ServerCredentials.createSsl(null, [
  { cert_chain: Buffer.from(issued.certificate), private_key: Buffer.from(issued.key) },
]);

describe('reflection', () => {
  const plane = oneControlPlane();

  const service = (name: string, port: number, more: object = {}) => ({
    kind: 'Service',
    metadata: { name },
    spec: { protocol: 'grpc', endpoints: [{ address: '127.0.0.1', port }], ...more },
  });
  const set = (name: string, reflection: object) => ({
    kind: 'DescriptorSet',
    metadata: { name },
    spec: { reflection },
  });
  const read = (name: string, admin = plane.admin): Promise<Answer> =>
    admin.call('GET', inNamespace('default', 'descriptorsets', name));
  const pinned = (name: string, admin = plane.admin): Promise<Answer> =>
    eventually(() => read(name, admin), {
      what: `descriptors of ${name}`,
      until: (answer) => answer.field('status', 'digest') !== undefined,
    });
  const resolved = (answer: Answer): unknown => answer.field('status', 'conditions', 1);

  const servers: [name: string, options: Partial<ReflectionOptions>, more: object][] = [
    ['v1', {}, {}],
    ['v1alpha', { version: 'v1alpha' }, {}],
    ['tls', { credentials: tls }, { protocol: 'grpcs', tls: { trust: ['ca'], serverName: 'shop.test' } }],
  ];
  for (const [name, options, more] of servers)
    it(`reads a server once: ${name}`, async (t) => {
      const upstream = await startReflection(t, { files, ...options });
      await plane.admin.apply([
        {
          kind: 'Certificate',
          metadata: { name: 'ca' },
          spec: { certificate: authority.certificate },
        },
        service(name, upstream.port, more),
        set(name, { service: name }),
      ]);
      const answer = await pinned(name);
      assert.deepEqual(answer.field('status', 'services'), ['shop.Orders']);
      assert.equal(answer.field('status', 'files'), 2);
      assert.ok(!Number.isNaN(Date.parse(String(answer.field('status', 'pinnedAt')))));
      assert.deepEqual(answer.field('spec'), { reflection: { service: name } });
      assert.equal(answer.field('pinned'), undefined);
      const { length } = upstream.asked;
      upstream.files = [];
      const revision = await plane.admin.apply([set(name, { service: name })]);
      assert.equal((await read(name)).field('status', 'digest'), answer.field('status', 'digest'));
      assert.equal(String(revision), answer.field('metadata', 'resourceVersion'));
      assert.equal(upstream.asked.length, length);
    });

  it('tells why it cannot read, and reads when it can', async (t) => {
    const scope = new OwnScope();
    const closed = await startReflection(scope, { files });
    // Somebody whose port is free again.
    await scope.end();
    await plane.admin.apply([
      service('down', closed.port),
      set('down', { service: 'down', services: ['shop.None'] }),
    ]);
    const failed = await eventually(() => read('down'), {
      what: 'a failure',
      until: (answer) => /ReflectionFailed/.test(JSON.stringify(resolved(answer))),
    });
    const condition = resolved(failed) as { status: string; reason: string; message: string };
    assert.deepEqual([condition.status, condition.reason], ['False', 'ReflectionFailed']);
    assert.match(condition.message, /ECONNREFUSED/);
    const upstream = await startReflection(t, { files });
    await plane.admin.apply([service('down', upstream.port)]);
    await eventually(() => read('down'), {
      what: 'another failure',
      until: (answer) => /: shop\.None: not found/.test(JSON.stringify(resolved(answer))),
    });
    await plane.admin.apply([set('down', { service: 'down' })]);
    await pinned('down');
  });

  it('does not trust whom the Service does not trust', async (t) => {
    const upstream = await startReflection(t, { files, credentials: tls });
    const more = { protocol: 'grpcs', tls: { serverName: 'shop.test' } };
    await plane.admin.apply([
      service('stranger', upstream.port, more),
      set('stranger', { service: 'stranger' }),
    ]);
    await eventually(() => read('stranger'), {
      what: 'a failure',
      until: (answer) => /ReflectionFailed/.test(JSON.stringify(resolved(answer))),
    });
    assert.deepEqual(upstream.asked, []);
  });

  it('is read again when it is asked to be, by a digest that was shown', async (t) => {
    const upstream = await startReflection(t, { files });
    await plane.admin.apply([service('again', upstream.port), set('again', { service: 'again' })]);
    const before = await pinned('again');
    const refresh = (query = ''): Promise<Answer> =>
      plane.admin.call('POST', `${inNamespace('default', 'descriptorsets', 'again')}/refresh${query}`);
    assert.deepEqual((await refresh()).json(), {
      digest: before.field('status', 'digest'),
      changed: false,
      changes: [],
    });
    upstream.files = [
      orders,
      file({ name: 'items.proto', messageType: [{ name: 'Item' }, { name: 'More' }] }),
    ];
    const tried = await refresh('?dryRun=All');
    assert.deepEqual(tried.field('changes'), [
      { breaking: true, subject: 'shop.Item.name', change: 'field removed, number 1' },
      { breaking: false, subject: 'shop.More', change: 'message added' },
    ]);
    assert.deepEqual((await read('again')).json(), before.json());
    assert.equal((await refresh('?digest=sha256:other')).status, 409);
    const taken = await refresh(`?digest=${String(tried.field('digest'))}&message=why`);
    assert.equal(taken.status, 200, taken.text);
    const after = await read('again');
    assert.equal(after.field('status', 'digest'), tried.field('digest'));
    assert.equal(after.field('metadata', 'resourceVersion'), taken.headers['causeway-revision']);
    assert.equal(after.field('metadata', 'generation'), 1);
    upstream.files = [];
    assert.equal((await refresh()).status, 503);
    const other = `${inNamespace('default', 'descriptorsets', 'none')}/refresh`;
    assert.equal((await plane.admin.call('POST', other)).status, 404);
  });

  it('survives a restart, and is read again by nobody', async (t) => {
    const scope = new OwnScope();
    t.after(() => scope.end());
    const controlPlane = await startControlPlane(scope);
    const upstream = await startReflection(t, { files });
    await controlPlane.admin.apply([service('kept', upstream.port), set('kept', { service: 'kept' })]);
    const before = await pinned('kept', controlPlane.admin);
    upstream.files = [];
    await controlPlane.kill();
    await controlPlane.start();
    const after = await read('kept', controlPlane.admin);
    assert.deepEqual(after.field('status', 'digest'), before.field('status', 'digest'));
  });
});
