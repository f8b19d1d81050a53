import { isIP } from 'node:net';
import { isLoopback } from '@causeway/runtime/listen-address';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Tokens } from '../tokens.ts';
import { factsOf } from './answer.ts';
import { ApiError } from './api-error.ts';

/**
 * Refuses a foreign Host or Origin: a page in a browser on this machine must not reach the admin API by DNS rebinding
 * or a form. `allowedHosts` are names besides addresses and localhost by which the API is reached.
 */
export function guardOrigin(allowedHosts: readonly string[]): RequestHandler {
  const isOurs = (host: string): boolean =>
    isIP(host.replace(/^\[|\]$/g, '')) !== 0 || isLoopback(host) || allowedHosts.includes(host);
  return (request: Request, _response: Response, next: NextFunction) => {
    const host = hostOf(`http://${request.headers.host ?? ''}`);
    if (host === undefined || !isOurs(host))
      throw new ApiError(
        'forbidden',
        `the Host ${JSON.stringify(request.headers.host ?? '')} is not a name of this API`,
      );
    const { origin } = request.headers;
    if (origin !== undefined && hostOf(origin) !== host)
      throw new ApiError('forbidden', `pages of the origin ${JSON.stringify(origin)} may not call this API`);
    next();
  };
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined;
}

/** Closes everything that is mounted after it to callers without an admin token. */
export function requireToken(tokens: Tokens): RequestHandler {
  return (request: Request, response: Response, next: NextFunction) => {
    const author = tokens.authenticate('admin', request.headers.authorization);
    if (author === undefined) {
      const detail =
        request.headers.authorization === undefined ? 'a bearer token is needed' : 'the token is not valid';
      throw new ApiError('unauthenticated', detail, {
        headers: { 'www-authenticate': 'Bearer realm="causeway"' },
      });
    }
    factsOf(response).author = author;
    next();
  };
}
