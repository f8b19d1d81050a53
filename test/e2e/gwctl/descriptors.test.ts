import assert from 'node:assert/strict';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { FieldDescriptorProto_Type as Type, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { eventually } from '../../kit/eventually.ts';
import { repository, startControlPlane } from '../../kit/processes.ts';
import { startReflection } from '../../kit/upstreams/grpc-reflection.ts';
import { startTranscript } from './transcript.ts';

const protos = join(repository, 'packages/transcoding/src/testing/protos');

test('trees of .proto become DescriptorSets', async (t) => {
  const controlPlane = await startControlPlane(t);
  const session = await startTranscript(t, { config: controlPlane.gwctlConfig });
  await mkdir(join(session.directory, 'bookstore'));
  // Without google/api, which everybody imports and nobody has.
  await cp(join(protos, 'test'), join(session.directory, 'bookstore', 'test'), { recursive: true });
  const push = ['descriptor', 'push', 'bookstore'];
  await session.gwctl(...push, '--dry-run', 'client');
  await session.gwctl(...push, '--dry-run', 'server');
  await session.gwctl(...push, '-m', 'first');
  await session.gwctl(...push);
  await session.gwctl('get', 'ds');
  await session.gwctl('describe', 'ds', 'bookstore');
  await session.gwctl('get', 'descriptorsets', '-o', 'yaml');
  await mkdir(join(session.directory, 'Bad'));
  await session.file('Bad/bad.proto', badProto);
  await session.file('Bad/lost.proto', 'syntax = "proto3";\nimport "shop/items.proto";\n');
  await session.gwctl('descriptor', 'push', 'Bad');
  await session.gwctl('descriptor', 'push', 'Bad', '--name', 'bad');
  await session.gwctl('descriptor', 'push', 'nowhere');
  await mkdir(join(session.directory, 'empty'));
  await session.gwctl('descriptor', 'push', 'empty');
  await session.gwctl('complete', '--', 'descriptor', 'push', 'boo');
  await session.gwctl('descriptor', 'push', '--help');
  await session.matches('descriptors');
});

test('DescriptorSets are read anew after a look at what changes', async (t) => {
  const controlPlane = await startControlPlane(t);
  const item = (name: string) => ({
    name: 'Item',
    field: [{ name, jsonName: name, number: 1, type: Type.STRING }],
  });
  const file = (name: string) =>
    create(FileDescriptorProtoSchema, {
      name: 'shop.proto',
      package: 'shop',
      syntax: 'proto3',
      messageType: [item(name)],
      service: [
        { name: 'Items', method: [{ name: 'Get', inputType: '.shop.Item', outputType: '.shop.Item' }] },
      ],
    });
  const upstream = await startReflection(t, { files: [file('name')] });
  const session = await startTranscript(t, {
    config: controlPlane.gwctlConfig,
    variables: [[String(upstream.port), '<port>']],
  });
  await session.file('shop.yaml', shop(upstream.port));
  await session.gwctl('apply', '-f', 'shop.yaml');
  await eventually(() => controlPlane.admin.call('GET', 'namespaces/default/descriptorsets/shop'), {
    what: 'descriptors',
    until: (answer) => answer.field('status', 'digest') !== undefined,
  });
  await session.gwctl('get', 'ds');
  await session.gwctl('describe', 'ds', 'shop');
  await session.gwctl('describe', 'service', 'shop');
  const openapi = await controlPlane.admin.call('GET', 'namespaces/default/services/shop/openapi.json');
  assert.deepEqual(Object.keys(openapi.field('paths') as object), ['/shop.Items/Get']);
  assert.deepEqual(openapi.field('components', 'schemas', 'shop.Item', 'properties'), {
    name: { type: 'string' },
  });
  const refresh = ['descriptor', 'refresh', 'shop'];
  await session.gwctl(...refresh);
  upstream.files = [file('title')];
  await session.gwctl(...refresh);
  await session.gwctl(...refresh, '--yes', '-m', 'titles');
  await session.gwctl(...refresh);
  upstream.files = [];
  await session.gwctl(...refresh);
  await session.gwctl('descriptor', 'refresh', 'nothing');
  await session.gwctl('complete', '--', 'descriptor', 'refresh', '');
  await session.matches('descriptor-refresh');
});

const shop = (port: number): string => `apiVersion: causeway/v1
kind: Service
metadata: {name: shop}
spec: {protocol: grpc, endpoints: [{address: 127.0.0.1, port: ${port}}]}
---
apiVersion: causeway/v1
kind: DescriptorSet
metadata: {name: shop}
spec: {reflection: {service: shop}}
---
apiVersion: causeway/v1
kind: Route
metadata: {name: shop}
spec:
  filters: [{transcode: {descriptors: shop}}]
  backends: [{service: shop}]
`;

const badProto = `syntax = "proto3";
package shop;
message Item {
  strin name = 1;
  int32 count = 1;
}
`;
