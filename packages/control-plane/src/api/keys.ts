import type { Request } from 'express';
import { type Answer, queryParameters, type RequestFacts } from './answer.ts';
import { ApiError } from './api-error.ts';
import type { ApiContext } from './context.ts';

/** Replaces the key of a purpose; what the key before made is good until the next time. No key leaves here. */
export async function rotateKeys(
  context: ApiContext,
  request: Request,
  { author, requestId }: RequestFacts,
  purpose: string,
): Promise<Answer> {
  queryParameters(request, []);
  const { affinity, logins } = context;
  const keyring = purpose === 'session' ? affinity : purpose === 'login' ? logins : undefined;
  if (keyring === undefined)
    throw new ApiError(
      'not_found',
      `there are no keys for ${JSON.stringify(purpose)}: session and login have some`,
    );
  await keyring.rotate();
  context.logger.info({ author, requestId, purpose }, 'keys replaced');
  return { status: 200, body: { purpose } };
}
