/** Lets in Consumers by user name and password (RFC 7617). */

import { type AuthenticationFilter, admitConsumer, unauthenticated } from '../authentication.ts';
import type { KnownPassword } from '../consumers.ts';
import { authorization, readCredential, removeCredential } from '../credentials.ts';
import type { FilterExchange, Refusal } from '../filter.ts';
import type { PasswordCheck, PasswordVerdict } from './password-check.ts';

export interface BasicAuthSettings {
  /** In which user names mean something. */
  readonly namespace: string;
  /** Fit to stand between quotes. */
  readonly realm: string;
  readonly isOptional: boolean;
  readonly forwardsCredentials: boolean;
}

/** RFC 9110 section 11.2. */
const token68 = /^[A-Za-z0-9+/]+={0,2}$/;
/** In characters of base64: twice what the longest user name and password need. */
const credentialsLengthMax = 8192;

const busy: Refusal = {
  kind: 'refusal',
  reason: 'overloaded',
  detail: 'Too many passwords are being checked.',
};

export function createBasicAuthFilter(
  name: string,
  { namespace, realm, isOptional, forwardsCredentials }: BasicAuthSettings,
  passwords: PasswordCheck,
): AuthenticationFilter {
  const challenge = `Basic realm="${realm}", charset="UTF-8"`;
  const missing = unauthenticated([challenge], 'A user name and a password are required.');
  const refused = unauthenticated([challenge], 'User name and password are not valid.');
  const removeCredentials = (exchange: FilterExchange): void => {
    if (forwardsCredentials || readCredential(authorization, 'basic', exchange) === undefined) return;
    removeCredential(authorization, exchange);
  };
  const judge = (verdict: PasswordVerdict, known: KnownPassword | undefined, exchange: FilterExchange) => {
    if (verdict === 'busy') return busy;
    if (verdict !== 'good' || known === undefined) return refused;
    const refusal = admitConsumer(exchange, known.consumer);
    if (refusal === undefined) removeCredentials(exchange);
    return refusal;
  };
  return {
    kind: 'basicAuth',
    name,
    isOptional,
    challenge,
    demands: `basicAuth ${JSON.stringify([namespace, isOptional])}`,
    hasCredentials: (exchange) => readCredential(authorization, 'basic', exchange) !== undefined,
    checksAuthorization: () => true,
    removeCredentials,
    onRequestHead(exchange) {
      const credentials = readCredential(authorization, 'basic', exchange);
      if (credentials === undefined) return isOptional ? undefined : missing;
      const login = readLogin(credentials);
      if (login === undefined) return refused;
      const known = exchange.consumers.byUsername(namespace, login.username);
      const verdict = passwords.check(known?.stored, login.password);
      if (verdict instanceof Promise) return verdict.then((settled) => judge(settled, known, exchange));
      return judge(verdict, known, exchange);
    },
  };
}

/** Both as byte strings; undefined for what is no login. */
function readLogin(credentials: string): { username: string; password: string } | undefined {
  if (credentials.length > credentialsLengthMax || !token68.test(credentials)) return undefined;
  const text = Buffer.from(credentials, 'base64').toString('latin1');
  const colon = text.indexOf(':');
  // RFC 7617 section 2: neither holds control characters. A user without a name is nobody.
  if (colon < 1 || /[\u0000-\u001f\u007f]/.test(text)) return undefined;
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}
