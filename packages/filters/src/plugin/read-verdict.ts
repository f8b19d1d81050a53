/** What hooks of a plugin give, read as what the contract says. Each throws TypeError for anything else. */

import {
  cutsOff,
  type MessageRefusal,
  type RefusalReason,
  takesBody,
  type Verdict,
  watchesBody,
} from '../filter.ts';
import { bytesOf, isStatus, jsonObject, readFields } from './plugin-exchange.ts';

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
  const { kind, status, body = '', reason, detail, members, ...rest } = given as Record<string, unknown>;
  const fields = readFields(rest['fields'] ?? []);
  if (kind === 'answer' && isStatus(status)) return { kind, status, fields, body: bytesOf(body) };
  if (kind === 'refusal' && reasons.has(reason))
    return {
      kind,
      reason: reason as RefusalReason,
      fields,
      ...(typeof detail === 'string' && { detail }),
      ...(members !== undefined && members !== null && { members: readMembers(members) }),
    };
  throw new TypeError(
    'a hook gives nothing, "takesBody", "watchesBody", "cutsOff", {kind: "answer", status, ...} or {kind: "refusal", reason, ...}',
  );
}

const ownMembers = ['title', 'status', 'reason', 'detail', 'requestId'];

function readMembers(given: unknown): Record<string, unknown> {
  const members = jsonObject(given, 'members');
  const own = ownMembers.find((name) => Object.hasOwn(members, name));
  if (own !== undefined) throw new TypeError(`members: ${own} is for the gateway to write`);
  if (typeof (members['type'] ?? '') !== 'string') throw new TypeError('members: type is a text');
  return members;
}

export function readChunk(given: unknown): Uint8Array | undefined {
  return given === undefined || given === null ? undefined : bytesOf(given);
}

export function readMessageRefusal(given: unknown): MessageRefusal | undefined {
  if (given === undefined || given === null) return undefined;
  const { code, reason = '' } = given as Record<string, unknown>;
  if (!isCloseCode(code) || typeof reason !== 'string' || Buffer.byteLength(reason) > 123)
    throw new TypeError(
      'onMessage gives nothing, or {code, reason} with a code that may be sent, and at most 123 bytes of reason',
    );
  return { code, reason };
}

/** RFC 6455 section 7.4. */
function isCloseCode(code: unknown): code is number {
  if (typeof code !== 'number' || !Number.isInteger(code)) return false;
  return (
    (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999)
  );
}

export function readTime(given: unknown): number | undefined {
  if (given === undefined || (typeof given === 'number' && !Number.isNaN(given))) return given;
  throw new TypeError('onExpire gives milliseconds since 1970, or nothing');
}
