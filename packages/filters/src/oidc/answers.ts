/** What users of browsers are answered while they log in and out. */

import type { Answer, Refusal } from '../filter.ts';

/** `cookies`: values of Set-Cookie. */
export function redirectTo(location: string, cookies: readonly string[], status: 302 | 303 = 302): Answer {
  return {
    kind: 'answer',
    status,
    fields: ['location', location, ...ownFields(cookies)],
    body: new Uint8Array(),
  };
}

/** A redirect that the page itself makes, so that the next request is of this site. */
export function pageTo(location: string, cookies: readonly string[]): Answer {
  const url = location.replaceAll(/[^\w/:.?=%~-]/g, (character) => `&#${character.charCodeAt(0)};`);
  const page = `<!doctype html><meta http-equiv="refresh" content="0;url='${url}'"><title>Login</title>`;
  const fields = ['content-type', 'text/html; charset=iso-8859-1', ...ownFields(cookies)];
  fields.push('content-security-policy', "default-src 'none'", 'x-content-type-options', 'nosniff');
  return { kind: 'answer', status: 200, fields, body: Buffer.from(page, 'latin1') };
}

export function loggedOut(cookies: readonly string[]): Answer {
  const fields = ['content-type', 'text/plain; charset=utf-8', ...ownFields(cookies)];
  return { kind: 'answer', status: 200, fields, body: Buffer.from('You are logged out.\n') };
}

export function refused(
  reason: Refusal['reason'],
  detail: string | undefined,
  fields: readonly string[] = [],
): Refusal {
  return {
    kind: 'refusal',
    reason,
    ...(detail !== undefined && { detail }),
    // Its own URL holds a code, if it ends a login.
    fields: ['cache-control', 'no-store', 'referrer-policy', 'no-referrer', ...fields],
  };
}

export const unavailable: Refusal = refused('auth_unavailable', undefined, ['retry-after', '1']);

function ownFields(cookies: readonly string[]): string[] {
  return [
    'cache-control',
    'no-store',
    'referrer-policy',
    'no-referrer',
    ...cookies.flatMap((cookie) => ['set-cookie', cookie]),
  ];
}

/** RFC 6749 section 4.1.2.1. */
export function providerError(error: string): Refusal {
  if (error === 'server_error' || error === 'temporarily_unavailable') return unavailable;
  if (error === 'access_denied') return refused('forbidden', 'The provider did not let you log in.');
  return refused('bad_request', 'The provider refused the login.');
}
