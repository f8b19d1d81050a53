import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Type as Type,
  type FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from '@bufbuild/protobuf/wkt';
import { DescriptorFault } from './descriptor-files.ts';
import { readDescriptors } from './read-descriptors.ts';

type File = MessageInitShape<typeof FileDescriptorProtoSchema>;

function read(...file: File[]) {
  const { compiled: _, ...facts } = readDescriptors(
    toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file })),
  );
  return facts;
}

const file = (name: string, more: File = {}): File => ({ name, package: 'shop', syntax: 'proto3', ...more });
const orders = file('orders.proto', {
  dependency: ['items.proto', 'google/protobuf/timestamp.proto', 'google/api/annotations.proto'],
  messageType: [
    {
      name: 'Order',
      field: [
        { name: 'item', number: 1, type: Type.MESSAGE, typeName: '.shop.Item', jsonName: 'item' },
        { name: 'at', number: 2, type: Type.MESSAGE, typeName: '.google.protobuf.Timestamp', jsonName: 'at' },
      ],
    },
  ],
  service: [
    { name: 'Orders', method: [{ name: 'Get', inputType: '.shop.Order', outputType: '.shop.Item' }] },
  ],
});
const items = file('items.proto', { messageType: [{ name: 'Item' }] });

describe('readDescriptors', () => {
  it('takes files in any order, and fills in those that everybody has', () => {
    const { digest, ...facts } = read(orders, items);
    assert.match(digest, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(facts, { files: 2, services: ['shop.Orders'], ruleProblems: [] });
  });

  it('knows google.api.HttpBody without its file', () => {
    const body = '.google.api.HttpBody';
    const service = [{ name: 'Files', method: [{ name: 'Get', inputType: body, outputType: body }] }];
    assert.deepEqual(
      read(file('files.proto', { dependency: ['google/api/httpbody.proto'], service })).services,
      ['shop.Files'],
    );
  });

  it('goes through a long chain of imports', () => {
    const chain = Array.from({ length: 5000 }, (_, at) =>
      file(`${at}.proto`, at === 4999 ? {} : { dependency: [`${at + 1}.proto`] }),
    );
    assert.equal(read(...chain).files, 5000);
  });

  const faulty: [name: string, files: File[], message: RegExp][] = [
    ['no files', [], /without files/],
    ['missing imports', [orders], /imports are missing: items\.proto \(imported by orders\.proto\)/],
    ['a file twice', [items, items], /items\.proto stands there twice/],
    [
      'a name twice',
      [items, file('other.proto', { messageType: [{ name: 'Item' }] })],
      /shop\.Item stands in/,
    ],
    ['a ring', [file('a', { dependency: ['b'] }), file('b', { dependency: ['a'] })], /import each other/],
    [
      'an unknown type',
      [{ ...orders, dependency: ['google/protobuf/timestamp.proto'] }],
      /do not fit together/,
    ],
  ];
  for (const [name, files, message] of faulty)
    it(`refuses ${name}`, () => {
      assert.throws(
        () => read(...files),
        (error) => error instanceof DescriptorFault && message.test(error.message),
      );
    });

  it('refuses bytes that are no FileDescriptorSet', () => {
    assert.throws(() => readDescriptors(Buffer.from('not one')), DescriptorFault);
  });
});
