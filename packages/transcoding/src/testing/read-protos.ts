import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** What `protos/` holds. */
export function readProtos(): FileRegistry {
  const directory = fileURLToPath(new URL('protos', import.meta.url));
  const bytes = execFileSync('buf', ['build', directory, '--as-file-descriptor-set', '-o', '-'], {
    maxBuffer: 16 * 1024 * 1024,
  });
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
}
