/** What is said between a client and its OpenID provider. */

import type { GrantedTokens, ProviderEndpoints } from '@causeway/filters/oidc/provider';

import { safeUrl } from '../keys/fetch-keys.ts';

/** Of OpenID Connect Discovery section 3, what a login needs. */
export interface ProviderMetadata extends ProviderEndpoints {
  readonly token: string;
  /** Undefined: it does not say. */
  readonly authMethods: readonly string[] | undefined;
}

/** A longer one is none that a cookie could hold. */
const tokenCharactersMax = 16_384;

/** Throws for what is not the metadata of the issuer. Nobody is sent to a place without TLS, this machine apart. */
export function readMetadata(text: string, issuer: string): ProviderMetadata {
  const said = JSON.parse(text) as Record<string, unknown>;
  if (said['issuer'] !== issuer) throw new Error('the metadata is that of another issuer');
  const [authorization, token] = [said['authorization_endpoint'], said['token_endpoint']];
  if (typeof authorization !== 'string' || typeof token !== 'string')
    throw new Error('the metadata names no authorization_endpoint and token_endpoint');
  const endSession = said['end_session_endpoint'];
  const methods = said['token_endpoint_auth_methods_supported'];
  return {
    authorization: safeUrl(authorization).href,
    token: safeUrl(token).href,
    endSession: typeof endSession === 'string' ? safeUrl(endSession).href : undefined,
    authMethods: Array.isArray(methods) ? methods.map(String) : undefined,
  };
}

/** RFC 6749 sections 2.3.1 and 3.2: the client proves itself in the header, unless the provider only takes it in the body. */
export function tokenRequest(
  parameters: Readonly<Record<string, string>>,
  { authMethods }: ProviderMetadata,
  clientId: string,
  clientSecret: string | undefined,
): { headers: Record<string, string>; body: Uint8Array } {
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  };
  const form = new URLSearchParams(parameters);
  const isInBody =
    authMethods?.includes('client_secret_post') === true && !authMethods.includes('client_secret_basic');
  if (clientSecret === undefined || isInBody) form.set('client_id', clientId);
  if (clientSecret !== undefined && isInBody) form.set('client_secret', clientSecret);
  if (clientSecret !== undefined && !isInBody) {
    const login = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
    headers['authorization'] = `Basic ${Buffer.from(login).toString('base64')}`;
  }
  return { headers, body: Buffer.from(form.toString()) };
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

/** Throws for what is no answer of a token endpoint. */
export function readTokens(text: string): GrantedTokens {
  const said = JSON.parse(text) as Record<string, unknown>;
  const accessToken = tokenAt(said, 'access_token');
  const type = said['token_type'];
  if (accessToken === undefined || typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    throw new Error('the answer holds no bearer token');
  const life = said['expires_in'];
  const lifeSeconds = life === undefined || life === null ? undefined : Number(life);
  if (Number.isNaN(lifeSeconds)) throw new Error('expires_in is no number');
  const scope = said['scope'];
  return {
    accessToken,
    idToken: tokenAt(said, 'id_token'),
    refreshToken: tokenAt(said, 'refresh_token'),
    lifeSeconds,
    scope: typeof scope === 'string' ? scope : undefined,
  };
}

function tokenAt(said: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const token = said[name];
  if (token === undefined || token === null) return undefined;
  if (typeof token !== 'string' || token.length > tokenCharactersMax || !/^[!-~]+$/.test(token))
    throw new Error(`${name} is no token`);
  return token;
}
