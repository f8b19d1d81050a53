import { messageHeader } from '@causeway/model/rest';
import type { Request } from 'express';
import type { WriteContext } from '../write-path.ts';
import { flagParameter, queryParameters, type RequestFacts } from './answer.ts';
import { malformed } from './api-error.ts';

/** Query parameters of every write. */
export const writeParameters = ['dryRun', 'message', 'force'] as const;

const sourceLengthMax = 128;
const messageLengthMax = 1024;

/** What a write is recorded with, from query parameters and headers. */
export function writeContext(
  request: Request,
  facts: RequestFacts,
  furtherParameters: readonly string[] = [],
): WriteContext {
  const parameters = queryParameters<string>(request, [...writeParameters, ...furtherParameters]);
  const { dryRun, message, force } = parameters;
  if (dryRun !== undefined && dryRun !== 'All') throw malformed(`dryRun=${dryRun} is not dryRun=All`);
  return {
    author: facts.author,
    source: (request.headers['user-agent'] ?? '').slice(0, sourceLengthMax),
    message: (message ?? decodeHeader(request.headers[messageHeader])).slice(0, messageLengthMax),
    requestId: facts.requestId,
    force: flagParameter('force', force),
    dryRun: dryRun === 'All',
  };
}

function decodeHeader(value: string | string[] | undefined): string {
  const text = Array.isArray(value) ? value.join(' ') : (value ?? '');
  return Buffer.from(text, 'latin1').toString('utf8');
}
