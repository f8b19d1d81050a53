/** Reads a pinned DescriptorSet anew. */

import type { DescriptorRefresh } from '@causeway/model/api-types';
import type { DescriptorSetSpec } from '@causeway/model/kinds/descriptor-set';
import { type Identity, resourceKey } from '@causeway/model/resource';
import type { Request } from 'express';
import { DescriptorFault, readFileSet, registryOf } from '../descriptors/descriptor-files.ts';
import { pinned } from '../descriptors/descriptor-pins.ts';
import { diffDescriptors } from '../descriptors/diff-descriptors.ts';
import { descriptorBytes, descriptorFacts, digestOf } from '../descriptors/read-descriptors.ts';
import { readService } from '../descriptors/read-service.ts';
import type { Entry } from '../store/resource-index.ts';
import { type Answer, queryParameters, type RequestFacts, writeHeaders } from './answer.ts';
import { ApiError } from './api-error.ts';
import type { ApiContext } from './context.ts';
import { refusal } from './refusal.ts';
import { writeContext } from './write-context.ts';

/** 200 with what changes. `digest` in the query: only what had this digest in an answer before is taken; a dry run takes nothing. */
export async function refreshDescriptors(
  context: ApiContext,
  request: Request,
  facts: RequestFacts,
  set: Identity,
): Promise<Answer> {
  const write = writeContext(request, facts, ['digest']);
  const { digest: wanted } = queryParameters(request, ['dryRun', 'message', 'force', 'digest']);
  const entry = existing(context, set);
  const bytes = await read(context, entry);
  const digest = digestOf(bytes);
  if (wanted !== undefined && wanted !== digest)
    throw new ApiError('conflict', `the server now tells of ${digest}, not of ${wanted}`);
  const before = descriptorBytes(entry);
  const changes = before ? diffDescriptors(registryIn(before), registryIn(bytes)) : [];
  const isSame = descriptorFacts(entry)?.digest === digest;
  const body: DescriptorRefresh = { digest, changed: !isSame, changes };
  if (isSame || write.dryRun) return { status: 200, body, headers: writeHeaders(undefined, []) };
  const outcome = await context.writePath.write((index) => {
    if (index.get(entry.key) !== entry)
      throw new ApiError('conflict', `${entry.key} was changed while its Service was asked`);
    return { documents: [], removals: [], pin: { set, pinned: pinned(bytes, context.clock) } };
  }, write);
  if (outcome.refused) throw refusal(outcome, { subject: entry.key });
  const headers = writeHeaders(outcome.committed?.revision, outcome.warnings);
  return { status: 200, body, headers };
}

function existing({ index }: ApiContext, set: Identity): Entry {
  const entry = index.get(resourceKey(set));
  if (!entry) throw new ApiError('not_found', `${resourceKey(set)} does not exist`);
  if ((entry.effective as DescriptorSetSpec).reflection === undefined)
    throw new ApiError('conflict', `${entry.key} has its own data, and is read from no Service`);
  return entry;
}

async function read({ index, readSecret, ownAddresses }: ApiContext, entry: Entry): Promise<Uint8Array> {
  try {
    return await readService({ resources: index, readSecret, ownAddresses }, entry);
  } catch (error) {
    if (!(error instanceof DescriptorFault)) throw error;
    throw new ApiError('not_ready', `${entry.key} cannot be read: ${error.message}`);
  }
}

function registryIn(bytes: Uint8Array) {
  return registryOf(readFileSet(bytes));
}
