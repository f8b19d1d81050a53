/** The files of a FileDescriptorSet, in the order of their imports, with those that everybody has. */

import { create, createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  file_google_protobuf_any,
  file_google_protobuf_api,
  file_google_protobuf_descriptor,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_source_context,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_type,
  file_google_protobuf_wrappers,
} from '@bufbuild/protobuf/wkt';
import { messageOf } from '@causeway/runtime/errors';

/** Why a set cannot be used: the end of a sentence about it. */
export class DescriptorFault extends Error {}

const filesMax = 10_000;
/** Missing imports that a message names. */
const namedMax = 5;

export function readFileSet(bytes: Uint8Array): FileDescriptorProto[] {
  try {
    return fromBinary(FileDescriptorSetSchema, bytes).file;
  } catch (error) {
    throw new DescriptorFault(`no FileDescriptorSet: ${messageOf(error)}`);
  }
}

/** Throws a `DescriptorFault` for files that are no whole, or say one thing twice. */
export function registryOf(files: readonly FileDescriptorProto[]): FileRegistry {
  if (files.length === 0) throw new DescriptorFault('a FileDescriptorSet without files');
  if (files.length > filesMax) throw new DescriptorFault(`more than ${filesMax} files`);
  const sorted = byImports(files);
  let registry: FileRegistry;
  try {
    registry = createFileRegistry(create(FileDescriptorSetSchema, { file: sorted }));
  } catch (error) {
    throw new DescriptorFault(`the files do not fit together: ${messageOf(error)}`);
  }
  const owners = new Map<string, string>();
  for (const file of registry.files)
    for (const { typeName } of nestedTypes(file)) {
      const other = owners.get(typeName);
      if (other !== undefined)
        throw new DescriptorFault(`${typeName} stands in ${other} and in ${file.proto.name}`);
      owners.set(typeName, file.proto.name);
    }
  return registry;
}

/** What is missing for a whole, but for what everybody has. */
export function missingImports(files: ReadonlyMap<string, FileDescriptorProto>): Map<string, string> {
  const missing = new Map<string, string>();
  for (const { name, dependency } of files.values())
    for (const wanted of dependency)
      if (!files.has(wanted) && commonFile(wanted) === undefined) missing.set(wanted, name);
  return missing;
}

function byImports(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map<string, FileDescriptorProto>();
  for (const file of files) {
    if (byName.has(file.name)) throw new DescriptorFault(`the file ${file.name} stands there twice`);
    byName.set(file.name, file);
  }
  const missing = [...missingImports(byName)];
  if (missing.length > 0) {
    const named = missing.slice(0, namedMax).map(([wanted, by]) => `${wanted} (imported by ${by})`);
    const more = missing.length > namedMax ? ` and ${missing.length - namedMax} more` : '';
    throw new DescriptorFault(`imports are missing: ${named.join(', ')}${more}`);
  }
  const sorted: FileDescriptorProto[] = [];
  const states = new Map<string, 'open' | 'done'>();
  // A stack of its own: chains of imports may be longer than that of calls.
  const stack = files.map(({ name }) => name).toReversed();
  while (stack.length > 0) {
    const name = stack.at(-1)!;
    const file = byName.get(name) ?? commonFile(name)!;
    if (states.get(name) !== undefined) {
      stack.pop();
      if (states.get(name) === 'open') sorted.push(file);
      states.set(name, 'done');
      continue;
    }
    states.set(name, 'open');
    for (const wanted of file.dependency) {
      if (states.get(wanted) === 'open') throw new DescriptorFault(`${name} and ${wanted} import each other`);
      if (states.get(wanted) === undefined) stack.push(wanted);
    }
  }
  return sorted;
}

const wellKnown = new Map<string, FileDescriptorProto>(
  [
    file_google_protobuf_any,
    file_google_protobuf_api,
    file_google_protobuf_descriptor,
    file_google_protobuf_duration,
    file_google_protobuf_empty,
    file_google_protobuf_field_mask,
    file_google_protobuf_source_context,
    file_google_protobuf_struct,
    file_google_protobuf_timestamp,
    file_google_protobuf_type,
    file_google_protobuf_wrappers,
  ].map(({ proto }) => [proto.name, proto] as const),
).set('google/api/httpbody.proto', httpBodyFile());

/** A file that sets may leave out. Options are read by their numbers, so those of google.api need no definition. */
function commonFile(name: string): FileDescriptorProto | undefined {
  return (
    wellKnown.get(name) ??
    (/^google\/api\/[a-z_]+\.proto$/.test(name)
      ? create(FileDescriptorProtoSchema, { name, package: 'google.api', syntax: 'proto3' })
      : undefined)
  );
}

function httpBodyFile(): FileDescriptorProto {
  const field = { label: Label.OPTIONAL };
  return create(FileDescriptorProtoSchema, {
    name: 'google/api/httpbody.proto',
    package: 'google.api',
    syntax: 'proto3',
    dependency: ['google/protobuf/any.proto'],
    messageType: [
      {
        name: 'HttpBody',
        field: [
          { ...field, name: 'content_type', jsonName: 'contentType', number: 1, type: Type.STRING },
          { ...field, name: 'data', jsonName: 'data', number: 2, type: Type.BYTES },
          {
            name: 'extensions',
            jsonName: 'extensions',
            number: 3,
            label: Label.REPEATED,
            type: Type.MESSAGE,
            typeName: '.google.protobuf.Any',
          },
        ],
      },
    ],
  });
}
