/** Keys of Consumers that the control plane makes: their texts leave it once, in the answer that brings them. */

import { randomBytes } from 'node:crypto';
import { duration, name as nameField, object, timestamp } from '@causeway/model/fields';
import type { ConsumerSpec } from '@causeway/model/kinds/consumer';
import { durationMs } from '@causeway/model/quantity';
import { type Identity, resourceKey } from '@causeway/model/resource';
import { mediaTypes } from '@causeway/model/rest';
import { type MadeKey, type ServerKey, serverKeysMax } from '@causeway/model/server-keys';
import { validateShape, withoutNulls } from '@causeway/model/validate-document';
import type { Request } from 'express';
import type { z } from 'zod';
import { createConsumerKey } from '../store/consumer-key.ts';
import type { Entry, ResourceIndex } from '../store/resource-index.ts';
import type { WriteContext } from '../write-path.ts';
import { type Answer, queryParameters, type RequestFacts, writeHeaders } from './answer.ts';
import { ApiError } from './api-error.ts';
import type { ApiContext } from './context.ts';
import { parseObject } from './parse-documents.ts';
import { readBody } from './read-body.ts';
import { refusal } from './refusal.ts';
import { writeContext } from './write-context.ts';

const bodyBytesMax = 4096;
const randomNameBytes = 4;
/** RFC 3339 knows no later time. */
const lastMs = Date.parse('9999-12-31T23:59:59.999Z');

export const createKeyBody = object({
  name: nameField.optional().describe('Tells the keys of a Consumer apart. Absent: one is made up.'),
  expiresAt: timestamp.optional().describe('From then on it is refused. RFC 3339, UTC. Absent: never.'),
});

export const rotateKeyBody = object({
  overlap: duration.default('24h').describe('For how long the key before stays good.'),
  expiresAt: timestamp
    .optional()
    .describe('From then on the new key is refused. Absent: it lives as long as the key before was to live.'),
});

/** 201 with the text of the key. */
export async function createKey(
  context: ApiContext,
  request: Request,
  facts: RequestFacts,
  consumer: Identity,
): Promise<Answer> {
  const write = keyWrite(request, facts);
  const { name = `key-${randomBytes(randomNameBytes).toString('hex')}`, expiresAt } = await bodyOf(
    request,
    createKeyBody,
  );
  const nowMs = context.clock.wallMs();
  checkExpiry(expiresAt, nowMs);
  const { text, key } = newKey(context, name, expiresAt);
  const revision = await writeKeys(context, write, consumer, (entry) => {
    const { keys } = entry.effective as ConsumerSpec;
    if ([...keys, ...keysOf(entry)].some((each) => each.name === name))
      throw new ApiError('already_exists', `${entry.key} has a key ${JSON.stringify(name)} already`);
    return [...keysOf(entry), key];
  });
  return made(key, text, revision);
}

/**
 * 201 with the text of the new key, which has the name of the one before. Of several at the same time one wins and the others get 409: a key
 * that nobody was told of before it was replaced would be of no use.
 */
export async function rotateKey(
  context: ApiContext,
  request: Request,
  facts: RequestFacts,
  consumer: Identity,
  name: string,
): Promise<Answer> {
  const write = keyWrite(request, facts);
  const asked = keyNamed(existing(context.index, consumer), name);
  const { overlap, expiresAt } = await bodyOf(request, rotateKeyBody);
  const nowMs = context.clock.wallMs();
  checkExpiry(expiresAt, nowMs);
  const { text, key } = newKey(context, name, expiresAt ?? sameLife(asked, nowMs));
  const revision = await writeKeys(context, write, consumer, (entry) => {
    const before = keyNamed(entry, name);
    if (before.hash !== asked.hash)
      throw new ApiError(
        'conflict',
        `the key ${JSON.stringify(name)} of ${entry.key} was replaced meanwhile`,
      );
    const others = keysOf(entry).filter((each) => each !== before);
    return [...others, ...replaced(before, nowMs + durationMs(overlap), nowMs), key];
  });
  return made(key, text, revision);
}

/** 204; those that it took the place of go as well. */
export async function revokeKey(
  context: ApiContext,
  request: Request,
  facts: RequestFacts,
  consumer: Identity,
  name: string,
): Promise<Answer> {
  const revision = await writeKeys(context, keyWrite(request, facts), consumer, (entry) => {
    keyNamed(entry, name);
    return keysOf(entry).filter((each) => each.name !== name);
  });
  return { status: 204, body: undefined, headers: writeHeaders(revision, []) };
}

/** A key is made or it is not: nothing can be tried. */
function keyWrite(request: Request, facts: RequestFacts): WriteContext {
  queryParameters(request, ['message']);
  return writeContext(request, facts);
}

async function bodyOf<S extends z.ZodType>(request: Request, schema: S): Promise<z.output<S>> {
  const { text } = await readBody(request, [mediaTypes.json], bodyBytesMax);
  const { value, problems } = validateShape(schema, withoutNulls(await parseObject(text, mediaTypes.json)));
  if (problems) throw refusal({ refused: 'invalid', problems }, {});
  return value;
}

function newKey(
  { clock, hashes }: ApiContext,
  name: string,
  expiresAt: string | undefined,
): { text: string; key: ServerKey } {
  const { text, prefix } = createConsumerKey();
  const hash = Buffer.from(hashes.keyHash(text)).toString('base64');
  const createdAt = new Date(clock.wallMs()).toISOString();
  return { text, key: { name, prefix, hash, createdAt, ...(expiresAt && { expiresAt }) } };
}

/** Writes what becomes of the keys of a Consumer; those that nobody can use any more because they were replaced are forgotten with it. */
async function writeKeys(
  context: ApiContext,
  write: WriteContext,
  consumer: Identity,
  change: (entry: Entry) => ServerKey[],
): Promise<number | undefined> {
  const outcome = await context.writePath.write((index) => {
    const nowMs = context.clock.wallMs();
    const entry = existing(index, consumer);
    const keys = change(entry).filter((key) => key.replaced === undefined || isGood(key, nowMs));
    if (keys.length > serverKeysMax)
      throw new ApiError('conflict', `${entry.key} has ${serverKeysMax} keys, and cannot have more`);
    return { documents: [], removals: [], serverKeys: { consumer, keys } };
  }, write);
  if (outcome.refused) throw refusal(outcome, { subject: resourceKey(consumer) });
  return outcome.committed?.revision;
}

function existing(index: ResourceIndex, consumer: Identity): Entry {
  const entry = index.get(resourceKey(consumer));
  if (!entry) throw new ApiError('not_found', `${resourceKey(consumer)} does not exist`);
  return entry;
}

function keysOf({ resource }: Entry): readonly ServerKey[] {
  return resource.serverKeys ?? [];
}

function keyNamed(entry: Entry, name: string): ServerKey {
  const found = keysOf(entry).find((key) => key.name === name && key.replaced === undefined);
  if (found === undefined)
    throw new ApiError(
      'not_found',
      `the control plane has made no key ${JSON.stringify(name)} for ${entry.key}`,
    );
  return found;
}

/** The key before, for as long as it stays good. */
function replaced(key: ServerKey, untilMs: number, nowMs: number): ServerKey[] {
  const endMs = Math.min(untilMs, key.expiresAt === undefined ? Infinity : Date.parse(key.expiresAt));
  return endMs <= nowMs ? [] : [{ ...key, expiresAt: new Date(endMs).toISOString(), replaced: true }];
}

function sameLife({ createdAt, expiresAt }: ServerKey, nowMs: number): string | undefined {
  if (expiresAt === undefined) return undefined;
  const endMs = nowMs + Date.parse(expiresAt) - Date.parse(createdAt);
  return new Date(Math.min(endMs, lastMs)).toISOString();
}

function isGood({ expiresAt }: ServerKey, nowMs: number): boolean {
  return expiresAt === undefined || nowMs < Date.parse(expiresAt);
}

function checkExpiry(expiresAt: string | undefined, nowMs: number): void {
  if (expiresAt === undefined || Date.parse(expiresAt) > nowMs) return;
  const problem = {
    code: 'out_of_range' as const,
    pointer: '/expiresAt',
    detail: `${JSON.stringify(expiresAt)} is over`,
  };
  throw refusal({ refused: 'invalid', problems: [problem] }, {});
}

function made({ name, prefix, expiresAt }: ServerKey, text: string, revision: number | undefined): Answer {
  const body: MadeKey = { name, key: text, prefix, ...(expiresAt && { expiresAt }) };
  return { status: 201, body, headers: writeHeaders(revision, []) };
}
