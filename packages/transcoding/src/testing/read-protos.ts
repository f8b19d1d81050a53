import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** What `protos/` holds, as a FileDescriptorSet. */
export function buildProtos(): Buffer {
  const directory = fileURLToPath(new URL('protos', import.meta.url));
  return execFileSync('buf', ['build', directory, '--as-file-descriptor-set', '-o', '-'], {
    maxBuffer: 16 * 1024 * 1024,
  });
}

export function readProtos(bytes: Uint8Array = buildProtos()): FileRegistry {
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
}
