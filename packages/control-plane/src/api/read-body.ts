import { mediaTypes } from '@causeway/model/rest';
import type { Request } from 'express';
import { ApiError, malformed } from './api-error.ts';

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
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > bytesMax) throw tooLarge(bytesMax);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  return { text: decoded(Buffer.concat(chunks)), mediaType };
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
  // The rest of the body is not read, so the connection cannot be used again.
  return new ApiError(
    'too_large',
    `the body is larger than ${bytesMax} bytes, the most that this call takes`,
    { headers: { connection: 'close' } },
  );
}
