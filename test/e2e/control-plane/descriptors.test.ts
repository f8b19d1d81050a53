// DescriptorSets: what is refused of them and what is told of them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type MessageInitShape, setExtension, toBinary } from '@bufbuild/protobuf';
import {
  type FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MethodOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import { http, HttpRuleSchema } from '@causeway/proto/gen/causeway/grpcapi/v1/grpcapi_pb';
import { inNamespace, oneControlPlane, problemOf } from './one-control-plane.ts';

type File = MessageInitShape<typeof FileDescriptorProtoSchema>;

function base64(...file: File[]): string {
  const set = create(FileDescriptorSetSchema, { file });
  return Buffer.from(toBinary(FileDescriptorSetSchema, set)).toString('base64');
}

const shop: File = {
  name: 'shop.proto',
  package: 'shop',
  syntax: 'proto3',
  dependency: ['google/protobuf/empty.proto'],
  messageType: [{ name: 'Item' }],
  service: [
    {
      name: 'Items',
      method: [{ name: 'Get', inputType: '.google.protobuf.Empty', outputType: '.shop.Item' }],
    },
  ],
};

describe('DescriptorSets', () => {
  const plane = oneControlPlane();
  const put = (name: string, spec: object) =>
    plane.admin.call('PUT', inNamespace('descriptors', 'descriptorsets', name), {
      body: { apiVersion: 'causeway/v1', kind: 'DescriptorSet', metadata: { name }, spec },
    });

  it('tell what is in them, and leave their bytes out of lists', async () => {
    const data = base64(shop);
    const written = await put('shop', { data });
    assert.equal(written.status, 201, written.text);
    assert.match(String(written.field('status', 'digest')), /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(
      [written.field('status', 'files'), written.field('status', 'services')],
      [1, ['shop.Items']],
    );
    const list = await plane.admin.call('GET', inNamespace('descriptors', 'descriptorsets'));
    assert.equal(list.field('items', 0, 'spec', 'data'), '(not listed)');
    assert.deepEqual(list.field('items', 0, 'status', 'services'), ['shop.Items']);
    const one = await plane.admin.call('GET', inNamespace('descriptors', 'descriptorsets', 'shop'));
    assert.equal(one.field('spec', 'data'), data);
    assert.equal((await put('shop', { data })).headers['causeway-revision'], undefined);
  });

  it('may be larger than other objects', async () => {
    const large: File = { ...shop, service: [], dependency: [], messageType: [] };
    large.messageType = Array.from({ length: 70_000 }, (_, at) => ({
      name: `Message${at}_${'x'.repeat(50)}`,
    }));
    const data = base64(large);
    assert.ok(data.length > 4 * 1024 * 1024);
    const written = await put('large', { data });
    assert.equal(written.status, 201, written.text.slice(0, 500));
    assert.deepEqual(
      problemOf(await put('huge', { data: 'A'.repeat(11_184_816) }), 422, 'invalid').errors.map(
        ({ detail }) => detail,
      ),
      ['larger than 8MiB'],
    );
  });

  it('are warned of for rules that bind nothing', async () => {
    const options = create(MethodOptionsSchema);
    setExtension(options, http, create(HttpRuleSchema, { pattern: { case: 'get', value: '/v1/{name' } }));
    const method = [{ name: 'Get', inputType: '.shop.Item', outputType: '.shop.Item', options }];
    const data = base64({ ...shop, service: [{ name: 'Items', method }] });
    const written = await put('rules', { data });
    assert.equal(written.status, 201, written.text);
    assert.match(String(written.headers['warning']), /shop\.Items\/Get: path template \/v1\/\{name/);
  });

  const refused: [name: string, spec: object, code: string, pointer: string, detail: RegExp][] = [
    ['nothing', {}, 'missing', '/spec', /exactly one of data, reflection/],
    ['both', { data: base64(shop), reflection: { service: 'a' } }, 'exclusive', '/spec', /exactly one of/],
    ['no base64', { data: 'syntax = "proto3";' }, 'bad_format', '/spec/data', /not base64/],
    ['what lists have', { data: '(not listed)' }, 'bad_format', '/spec/data', /lists leave out/],
    ['no descriptors', { data: 'bm90IG9uZQ==' }, 'bad_format', '/spec/data', /no FileDescriptorSet/],
    [
      'missing imports',
      { data: base64({ ...shop, dependency: ['items.proto'] }) },
      'bad_format',
      '/spec/data',
      /imports are missing: items\.proto \(imported by shop\.proto\)/,
    ],
    [
      'a Service that is none',
      { reflection: { service: 'none' } },
      'unknown_reference',
      '/spec/reflection/service',
      /none/,
    ],
  ];
  for (const [name, spec, code, pointer, detail] of refused)
    it(`refuse ${name}`, async () => {
      const { errors } = problemOf(await put('refused', spec), 422, 'invalid');
      assert.deepEqual(
        errors.map((error) => [error.code, error.pointer]),
        [[code, pointer]],
      );
      assert.match(errors[0]!.detail, detail);
    });
});
