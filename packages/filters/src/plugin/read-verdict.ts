/** What hooks of a plugin give, read as what the contract says. Each throws TypeError for anything else. */

import {
  cutsOff,
  type MessageRefusal,
  type RefusalReason,
  takesBody,
  type Verdict,
  watchesBody,
} from '../filter.ts';
import { bytesOf, isFields, isStatus } from './plugin-exchange.ts';

const words: readonly unknown[] = [takesBody, watchesBody, cutsOff];

const reasons: ReadonlySet<unknown> = new Set<RefusalReason>([
  'auth_unavailable',
  'bad_request',
  'forbidden',
  'gone',
  'internal',
  'limits_unavailable',
  'overloaded',
  'payload_too_large',
  'quota_exceeded',
  'rate_limited',
  'unauthenticated',
  'upstream_protocol_error',
]);

export function readVerdict(given: unknown): Verdict {
  if (given === undefined || given === null) return undefined;
  if (words.includes(given)) return given as Verdict;
  const { kind, status, fields = [], body = '', reason, detail, members } = given as Record<string, unknown>;
  if (!isFields(fields)) throw new TypeError('fields is a flat list of names and values');
  if (kind === 'answer' && isStatus(status)) return { kind, status, fields, body: bytesOf(body) };
  if (kind === 'refusal' && reasons.has(reason))
    return {
      kind,
      reason: reason as RefusalReason,
      fields,
      ...(typeof detail === 'string' && { detail }),
      ...(typeof members === 'object' && { members: members as Record<string, unknown> }),
    };
  throw new TypeError(
    'a hook gives nothing, "takesBody", "watchesBody", "cutsOff", {kind: "answer", status, ...} or {kind: "refusal", reason, ...}',
  );
}

export function readChunk(given: unknown): Uint8Array | undefined {
  return given === undefined || given === null ? undefined : bytesOf(given);
}

export function readMessageRefusal(given: unknown): MessageRefusal | undefined {
  if (given === undefined || given === null) return undefined;
  const { code, reason = '' } = given as Record<string, unknown>;
  if (typeof code !== 'number' || typeof reason !== 'string' || Buffer.byteLength(reason) > 123)
    throw new TypeError('onMessage gives nothing, or {code, reason} with at most 123 bytes of reason');
  return { code, reason };
}

export function readTime(given: unknown): number | undefined {
  if (given === undefined || typeof given === 'number') return given;
  throw new TypeError('onExpire gives milliseconds since 1970, or nothing');
}
