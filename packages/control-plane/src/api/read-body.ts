import { setTimeout as sleep } from 'node:timers/promises';
import { mediaTypes } from '@causeway/model/rest';
import type { Request } from 'express';
import { ApiError, malformed } from './api-error.ts';

/** Bytes of a refused body that are read and dropped. */
const discardBytesMax = 64 * 1024 * 1024;
const discardTimeoutMs = 1000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Checks media type and coding first (415), then reads at most `bytesMax` bytes (413), which must be UTF-8 (400). Returns
 * the text, without byte order mark, and the bare media type.
 */
export async function readBody(
  request: Request,
  allowed: readonly string[],
  bytesMax: number,
): Promise<{ text: string; mediaType: string }> {
  const mediaType = (request.headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
  if (!allowed.includes(mediaType)) {
    const given = mediaType === '' ? 'no content-type' : `content-type ${mediaType}`;
    throw new ApiError('unsupported_media_type', `${given}, where this call takes ${allowed.join(', ')}`, {
      headers: { accept: allowed.join(', ') },
    });
  }
  if (request.headers['content-encoding'] !== undefined)
    throw new ApiError('unsupported_media_type', 'content-encoding is not supported: send the body as it is');
  if (declaredBytes(request) > bytesMax) throw tooLarge(bytesMax);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunksOf(request)) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return { text: decoded(Buffer.concat(chunks)), mediaType };
}

/**
 * Reads and drops what is left of a body, within bounds of bytes and time: a client that is still sending when the
 * connection is closed sees a broken pipe instead of the answer. Never throws.
 */
export async function discardBody(request: Request): Promise<void> {
  if (request.complete || declaredBytes(request) > discardBytesMax) return;
  await Promise.race([drop(request), sleep(discardTimeoutMs, undefined, { ref: false })]);
}

async function drop(request: Request): Promise<void> {
  let bytes = 0;
  try {
    for await (const chunk of chunksOf(request)) {
      bytes += chunk.byteLength;
      if (bytes > discardBytesMax) return;
    }
  } catch {
    // The client has gone away, so there is nobody who could be answered.
  }
}

/** The body, which the loop's end does not destroy: that would close the connection before the answer. */
function chunksOf(request: Request): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

function declaredBytes(request: Request): number {
  return Number(request.headers['content-length'] ?? 0);
}

function decoded(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed('the body is not UTF-8');
  }
}

/** Bodies that describe resources. */
export const documentTypes: readonly string[] = [mediaTypes.json, mediaTypes.yaml];

function tooLarge(bytesMax: number): ApiError {
  return new ApiError(
    'too_large',
    `the body is larger than ${bytesMax} bytes, the most that this call takes`,
  );
}
