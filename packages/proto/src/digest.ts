import { createHash } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import { type EndpointSet, EndpointSetSchema } from './gen/causeway/config/v1/config_pb.ts';

export const digestBytes = 32;

/** SHA-256 of a compiled resource: its schema version as four big-endian bytes, then its bytes. */
export function itemDigest(schemaVersion: number, bytes: Uint8Array): Uint8Array {
  const version = Buffer.alloc(4);
  version.writeUInt32BE(schemaVersion);
  return createHash('sha256').update(version).update(bytes).digest();
}

/** SHA-256 over the binary form of all endpoint sets, sorted by Service. Independent of the order of the argument. */
export function endpointsDigest(sets: Iterable<EndpointSet>): Uint8Array {
  const sorted = [...sets].toSorted((a, b) => (a.service < b.service ? -1 : 1));
  const hash = createHash('sha256');
  for (const set of sorted) {
    const bytes = toBinary(EndpointSetSchema, set);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.byteLength);
    hash.update(length).update(bytes);
  }
  return hash.digest();
}

/** `sha256:` and lower-case hex, as digests are shown to people. */
export function digestText(digest: Uint8Array): string {
  return `sha256:${Buffer.from(digest).toString('hex')}`;
}

export function sameDigest(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && Buffer.compare(a, b) === 0;
}
