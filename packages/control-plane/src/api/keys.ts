import type { Request } from 'express';
import { type Answer, queryParameters, type RequestFacts } from './answer.ts';
import { ApiError } from './api-error.ts';
import type { ApiContext } from './context.ts';

/** Replaces the key of a purpose; what the key before signed is good until the next time. No key leaves here. */
export async function rotateKeys(
  context: ApiContext,
  request: Request,
  { author, requestId }: RequestFacts,
  purpose: string,
): Promise<Answer> {
  queryParameters(request, []);
  if (purpose !== 'session')
    throw new ApiError(
      'not_found',
      `there are no keys for ${JSON.stringify(purpose)}: only session has some`,
    );
  await context.affinity.rotate();
  context.logger.info({ author, requestId, purpose }, 'keys replaced');
  return { status: 200, body: { purpose } };
}
