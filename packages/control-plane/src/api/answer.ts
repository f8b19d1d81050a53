import { listLimitDefault, listLimitMax, mediaTypes, revisionHeader } from '@causeway/model/rest';
import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { stringify } from 'yaml';
import { malformed } from './api-error.ts';

/** What a handler gives back; written as JSON, or as YAML when the client asks for it. */
export interface Answer {
  status: number;
  /** Not looked at with 204. */
  body: unknown;
  headers?: Readonly<Record<string, string>>;
}

/** What authentication and the request id have put beside a request. */
export interface RequestFacts {
  requestId: string;
  /** `token/<name>`; empty for what needs no token. */
  author: string;
}

export function factsOf(response: Response): RequestFacts {
  return response.locals as RequestFacts;
}

/** Mounts a handler that answers by return value; what it throws goes to the error handler. */
export function answering(
  handle: (request: Request, facts: RequestFacts) => Promise<Answer>,
): RequestHandler {
  return async (request: Request, response: Response, _next: NextFunction) => {
    sendAnswer(request, response, await handle(request, factsOf(response)));
  };
}

export function sendAnswer(request: Request, response: Response, answer: Answer): void {
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  response.status(answer.status);
  if (answer.status === 204) {
    response.end();
    return;
  }
  if (request.accepts([mediaTypes.json, mediaTypes.yaml]) === mediaTypes.yaml) {
    response.setHeader('content-type', mediaTypes.yaml);
    response.end(stringify(answer.body, { aliasDuplicateObjects: false }));
    return;
  }
  response.setHeader('content-type', mediaTypes.json);
  response.end(JSON.stringify(answer.body));
}

/** Headers of a committed write: its revision and one Warning (RFC 9111 section 5.5, code 299) for each warning. */
export function writeHeaders(
  revision: number | undefined,
  warnings: readonly string[],
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (revision !== undefined) headers[revisionHeader] = String(revision);
  if (warnings.length > 0)
    headers['warning'] = warnings.map((text) => `299 causeway ${JSON.stringify(text)}`).join(', ');
  return headers;
}

/** Query parameters by name; an unknown or repeated one is a 400: `dryrun=all` must not write. */
export function queryParameters<const N extends string>(
  request: Request,
  allowed: readonly N[],
): Partial<Record<N, string>> {
  const parameters: Partial<Record<N, string>> = {};
  for (const [name, value] of new URL(request.originalUrl, 'http://host').searchParams) {
    if (!(allowed as readonly string[]).includes(name))
      throw malformed(
        `unknown query parameter ${JSON.stringify(name)}`,
        undefined,
        allowed.length > 0 ? `known: ${allowed.join(', ')}` : 'this call takes none',
      );
    if (parameters[name as N] !== undefined) throw malformed(`query parameter ${name} stands twice`);
    parameters[name as N] = value;
  }
  return parameters;
}

/** A boolean query parameter: absent = false. */
export function flagParameter(name: string, value: string | undefined): boolean {
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw malformed(`${name}=${value} is not true or false`);
}

/** How many objects a page of a list may hold: `limit`, or the default. */
export function limitParameter(text: string | undefined): number {
  if (text === undefined) return listLimitDefault;
  const limit = Number(text);
  if (!/^[0-9]{1,6}$/.test(text) || limit < 1 || limit > listLimitMax)
    throw malformed(`limit=${text} is not 1 to ${listLimitMax}`);
  return limit;
}
