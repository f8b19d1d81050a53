import { z } from 'zod';
import { choice, duration, flag, line, list, literalPath, name, object, say, serverName } from '../fields.ts';
import { cookieName } from '../kinds/affinity.ts';
import { durationMs } from '../quantity.ts';
import type { FilterKind } from './filter-kind.ts';

const scope = line('a scope', 'A scope.', 256).regex(/^[!#-[\]-~]+$/, {
  error: () => say('bad_format', 'a scope has neither spaces nor quotes'),
});

const cookie = object(
  {
    // Further pieces of a session and logins that are under way have names that begin with it.
    name: cookieName
      .max(64)
      .default('causeway-session')
      .describe(
        'Name of the cookie; it stands before the names of further ones. With `__Host-` or `__Secure-` before it browsers take it from TLS alone.',
      ),
    ttl: duration
      .default('12h')
      .refine((text) => durationMs(text) >= 1000, { error: () => say('out_of_range', 'at least 1s') })
      .describe('A session ends then, whatever was refreshed meanwhile.'),
    sameSite: choice('When browsers send it along from other sites. None needs TLS.', [
      'Lax',
      'Strict',
      'None',
    ]).default('Lax'),
    domain: serverName.optional().describe('Domain of the cookie; absent = the host that was asked.'),
  },
  'The session: sealed, HttpOnly, Secure over TLS.',
).superRefine((spec, context) => {
  // What browsers promise of such names (draft-ietf-httpbis-rfc6265bis section 4.1.3).
  if (!/^__host-/i.test(spec.name) || spec.domain === undefined) return;
  const message = say(
    'not_allowed_here',
    'browsers take a cookie whose name begins with __Host- only without domain',
  );
  context.addIssue({ code: 'custom', path: ['name'], message });
});

/** It is the path of a cookie as well. */
const ownPath = literalPath.refine((text) => !text.includes(';'), {
  error: () => say('bad_format', 'a path with ";" is none that a cookie can have'),
});

const oidcSpec = object(
  {
    provider: name.describe('AuthProvider, with clientId.'),
    scopes: list(scope, {
      description: 'Scopes that are asked for; openid always is.',
      max: 32,
      key: '',
    }).default(['openid']),
    callbackPath: ownPath
      .default('/.causeway/callback')
      .describe('Where the provider sends browsers back to. The Route must take it.'),
    logoutPath: ownPath
      .default('/.causeway/logout')
      .describe('Ends the session, by POST or by a link of the same site. The Route must take it.'),
    cookie: cookie.prefault({}),
    forwardToken: flag('The upstream gets the access token, as Authorization.').default(false),
    unauthenticated: choice(
      'redirect: who navigates without a session is sent to the login; others get 401.',
      ['redirect', 'deny'],
    ).default('redirect'),
  },
  'Logs in users of browsers at an OpenID provider, by authorisation code with PKCE.',
).superRefine(({ callbackPath, logoutPath }, context) => {
  if (callbackPath !== logoutPath) return;
  context.addIssue({
    code: 'custom',
    path: ['logoutPath'],
    message: say('exclusive', 'the same as callbackPath'),
  });
});

export type OidcSpec = z.output<typeof oidcSpec>;

export const oidcFilter: FilterKind<typeof oidcSpec> = {
  key: 'oidc',
  spec: oidcSpec,
  phase: 'authentication',
  mayRepeat: false,
  mayBeShadowed: true,
  objectFields: [{ field: 'provider', kind: 'AuthProvider' }],
  summary: ({ provider, unauthenticated }) =>
    `login at ${provider}${unauthenticated === 'deny' ? ', without redirects' : ''}`,
};
