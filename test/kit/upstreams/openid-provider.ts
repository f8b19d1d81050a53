// A real OpenID provider on loopback, at which whoever comes is logged in as the user of the moment.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Provider } from 'oidc-provider';
import type { Owner } from '../owner.ts';
import { listen } from './listen.ts';

export interface OpenIdProvider {
  readonly issuer: string;
  /** Who logs in from now on. */
  user: string;
  /** Life of tokens that are granted from now on, in seconds. */
  lifeSeconds: number;
  /** Whether refresh tokens are granted. */
  refreshes: boolean;
  /** Requests to the token endpoint are answered with this status, as those of a server that is out of order. */
  tokenFault: number | undefined;
  /** By grant type: how often tokens were asked for. */
  readonly asked: Readonly<Record<string, number>>;
  /** Refresh tokens of before are good no more. */
  revoke(): void;
}

export interface OpenIdClient {
  readonly id: string;
  /** Absent: a public client. */
  readonly secret?: string;
  readonly redirectUris: readonly string[];
  /** Default `client_secret_basic`. */
  readonly method?: string;
}

export async function startOpenIdProvider(
  owner: Owner,
  clients: readonly OpenIdClient[],
): Promise<OpenIdProvider> {
  const asked: Record<string, number> = {};
  let revokedMs = 0;
  const server = createServer((request, response) => void answer(request, response));
  const issuer = `http://127.0.0.1:${await listen(owner, server)}`;
  const state: OpenIdProvider = {
    issuer,
    user: 'alice',
    lifeSeconds: 3600,
    refreshes: true,
    tokenFault: undefined,
    asked,
    revoke: () => {
      revokedMs = Date.now();
    },
  };
  const provider = new Provider(issuer, {
    clients: clients.map(clientMetadata),
    cookies: { keys: ['of a test'] },
    claims: { openid: ['sub'], profile: ['name', 'groups'] },
    conformIdTokenClaims: false,
    scopes: ['openid', 'profile', 'orders'],
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
    interactions: { url: () => '/interaction' },
    ttl: {
      AccessToken: () => state.lifeSeconds,
      IdToken: () => Math.max(state.lifeSeconds, 1),
      RefreshToken: 3600,
      Grant: 3600,
      Session: 3600,
      Interaction: 600,
      AuthorizationCode: 60,
    },
    issueRefreshToken: () => state.refreshes,
    rotateRefreshToken: true,
    findAccount: (_context: unknown, sub: string, token?: { iat: number }) =>
      token !== undefined && token.iat * 1000 < revokedMs && 'gty' in token
        ? undefined
        : { accountId: sub, claims: () => ({ sub, name: `${sub} ä`, groups: ['staff', sub] }) },
    loadExistingGrant: async (context: {
      oidc: { client: { clientId: string }; session: { accountId: string } };
    }) => {
      const { client, session } = context.oidc;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope('openid profile orders');
      await grant.save();
      return grant;
    },
  });
  const handle = provider.callback();
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/interaction')
      return provider.interactionFinished(request, response, { login: { accountId: state.user } });
    if (request.url === '/token') {
      if (state.tokenFault !== undefined) {
        request.resume();
        return void response.writeHead(state.tokenFault).end();
      }
      request.on('data', (part: Buffer) => {
        const type = /grant_type=(\w+)/.exec(part.toString())?.[1];
        if (type !== undefined) asked[type] = (asked[type] ?? 0) + 1;
      });
    }
    handle(request, response);
    return undefined;
  }
  return state;
}

function clientMetadata({ id, secret, redirectUris, method }: OpenIdClient): object {
  return {
    client_id: id,
    ...(secret !== undefined && { client_secret: secret }),
    redirect_uris: redirectUris,
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: method ?? (secret === undefined ? 'none' : 'client_secret_basic'),
  };
}
