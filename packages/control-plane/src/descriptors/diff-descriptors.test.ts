import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create, type MessageInitShape, setExtension } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FileDescriptorProtoSchema,
  MethodOptionsSchema,
} from '@bufbuild/protobuf/wkt';
import { http, HttpRuleSchema } from '@causeway/proto/gen/causeway/grpcapi/v1/grpcapi_pb';
import { registryOf } from './descriptor-files.ts';
import { diffDescriptors } from './diff-descriptors.ts';

type File = MessageInitShape<typeof FileDescriptorProtoSchema>;

const registry = (init: File) =>
  registryOf([create(FileDescriptorProtoSchema, { name: 'a.proto', syntax: 'proto3', ...init })]);
const diff = (before: File, after: File): string[] =>
  diffDescriptors(registry(before), registry(after)).map(
    ({ breaking, subject, change }) => `${breaking ? '!' : '+'} ${subject}: ${change}`,
  );

const message = (...fields: [name: string, number: number, type: Type, label?: Label][]): File => ({
  messageType: [
    {
      name: 'M',
      field: fields.map(([name, number, type, label = Label.OPTIONAL]) => ({ name, number, type, label })),
    },
  ],
});
const values = (...names: [string, number][]): File => ({
  enumType: [{ name: 'E', value: names.map(([name, number]) => ({ name, number })) }],
});
function method(name: string, serverStreaming: boolean, ...paths: string[]): File {
  const options = create(MethodOptionsSchema);
  const [first = '', ...more] = paths;
  const rule = (value: string) => create(HttpRuleSchema, { pattern: { case: 'get', value } });
  if (paths.length > 0) setExtension(options, http, { ...rule(first), additionalBindings: more.map(rule) });
  return {
    messageType: [{ name: 'M' }],
    service: [{ name: 'S', method: [{ name, inputType: '.M', outputType: '.M', serverStreaming, options }] }],
  };
}

const cases: [name: string, before: File, after: File, changes: string[]][] = [
  ['a field that is gone', message(['a', 1, Type.STRING]), message(), ['! M.a: field removed, number 1']],
  [
    'a field of another name',
    message(['a', 1, Type.STRING]),
    message(['b', 1, Type.STRING]),
    ['! M.a: field renamed to b'],
  ],
  [
    'a field of another number',
    message(['a', 1, Type.STRING]),
    message(['a', 2, Type.STRING]),
    ['! M.a: number was 1, is 2'],
  ],
  [
    'a field of another type',
    message(['a', 1, Type.STRING]),
    message(['a', 1, Type.INT32]),
    ['! M.a: type was scalar 9, is scalar 5'],
  ],
  [
    'a field that repeats',
    message(['a', 1, Type.STRING]),
    message(['a', 1, Type.STRING, Label.REPEATED]),
    ['! M.a: type was scalar 9, is repeated scalar 9'],
  ],
  ['another field', message(), message(['a', 1, Type.STRING]), ['+ M.a: field added, number 1']],
  [
    'values',
    values(['A', 0], ['B', 1], ['C', 2]),
    values(['A', 0], ['C', 3], ['D', 4]),
    ['! E.B: value removed, number 1', '! E.C: number was 2, is 3', '+ E.D: value added, number 4'],
  ],
  ['types', values(['A', 0]), message(), ['! E: enum removed', '+ M: message added']],
  ['methods', method('A', false), method('B', false), ['! S/A: method removed', '+ S/B: method added']],
  ['streaming', method('A', false), method('A', true), ['! S/A: streaming was unary, is server_streaming']],
  [
    'rules',
    method('A', false, '/a', '/b'),
    method('A', false, '/b', '/c'),
    ['! S/A: no longer bound to GET /a'],
  ],
  ['nothing', method('A', false, '/a'), method('A', false, '/a'), []],
];
for (const [name, before, after, changes] of cases)
  it(`a difference of ${name}`, () => {
    assert.deepEqual(diff(before, after), changes);
  });
