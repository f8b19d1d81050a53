/** What a DescriptorSet comes to: read once for all that ask. */

import { hash } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import type { DescriptorSetSpec } from '@causeway/model/kinds/descriptor-set';
import {
  type CompiledDescriptors,
  CompiledDescriptorsSchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/descriptors_pb';
import { compileTypes } from '@causeway/transcoding/compile-types';
import { MethodRouter } from '@causeway/transcoding/method-router';
import { Types } from '@causeway/transcoding/types';
import type { Entry } from '../store/resource-index.ts';
import { DescriptorFault, readFileSet, registryOf } from './descriptor-files.ts';

export interface DescriptorFacts {
  /** Of the bytes, `sha256:` and hex digits. */
  readonly digest: string;
  readonly files: number;
  /** Full names. */
  readonly services: readonly string[];
  /** Rules of google.api.http that bind nothing. */
  readonly ruleProblems: readonly string[];
}

export interface ReadDescriptors extends DescriptorFacts {
  readonly compiled: CompiledDescriptors;
}

/** A node takes no larger messages. */
const compiledBytesMax = 12 * 1024 * 1024;

/** The newest ones by digest: planning, status and each Gateway ask for the same. */
const recent = new Map<string, ReadDescriptors>();
const recentMax = 16;
const factsByEntry = new WeakMap<Entry, DescriptorFacts>();

/** Throws a `DescriptorFault`. */
export function readDescriptors(bytes: Uint8Array): ReadDescriptors {
  const digest = digestOf(bytes);
  const known = recent.get(digest);
  if (known !== undefined) return known;
  const files = readFileSet(bytes);
  const compiled = compileTypes(registryOf(files));
  if (toBinary(CompiledDescriptorsSchema, compiled).byteLength > compiledBytesMax)
    throw new DescriptorFault('too large for nodes');
  const types = new Types(compiled);
  const read: ReadDescriptors = {
    digest,
    files: files.length,
    services: types.services.map(({ name }) => name),
    ruleProblems: new MethodRouter(types).problems,
    compiled,
  };
  const [oldest] = recent.keys();
  if (oldest !== undefined && recent.size === recentMax) recent.delete(oldest);
  recent.set(digest, read);
  return read;
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${hash('sha256', bytes)}`;
}

/** Undefined: it has none yet. */
export function descriptorBytes({ effective, resource }: Entry): Uint8Array | undefined {
  const data = (effective as DescriptorSetSpec).data ?? resource.pinned?.data;
  return data === undefined ? undefined : Buffer.from(data, 'base64');
}

/** Undefined: it has none yet. Throws a `DescriptorFault` for what was never planned. */
export function descriptorFacts(entry: Entry): DescriptorFacts | undefined {
  const known = factsByEntry.get(entry);
  if (known !== undefined) return known;
  const bytes = descriptorBytes(entry);
  if (bytes === undefined) return undefined;
  const { compiled: _, ...facts } = readDescriptors(bytes);
  factsByEntry.set(entry, facts);
  return facts;
}
