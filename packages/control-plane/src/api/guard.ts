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
    const { host = '', origin } = request.headers;
    const reached = urlOf(`http://${host}`);
    if (reached === undefined || !isOurs(reached.hostname))
      throw new ApiError('forbidden', `the Host ${JSON.stringify(host)} is not a name of this API`);
    // With the port: another application of this machine is foreign too.
    if (origin !== undefined && urlOf(origin)?.host !== reached.host)
      throw new ApiError('forbidden', `pages of the origin ${JSON.stringify(origin)} may not call this API`);
    next();
  };
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
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
