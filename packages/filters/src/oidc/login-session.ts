/** A user who has logged in, as a sealed cookie holds it. */

import { decodeJwt } from 'jose';

export interface LoginSession {
  /** Random; the same for as long as the session lasts. */
  readonly id: string;
  readonly idToken: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Kept only where an upstream gets it. */
  readonly accessToken: string | undefined;
  readonly refreshToken: string | undefined;
  /** Granted. */
  readonly scopes: readonly string[];
  /** Asked for. */
  readonly askedScopes: readonly string[];
  /** Milliseconds since 1970, as all others: when its user logged in. */
  readonly beganMs: number;
  /** From then on there should be newer tokens. */
  readonly refreshAtMs: number;
  /** From then on they are not good any more. */
  readonly validUntilMs: number;
  /** The session is over, whatever was refreshed. */
  readonly endsAtMs: number;
}

type Written = Omit<LoginSession, 'claims'>;

export function sessionText(session: LoginSession): string {
  // The ID token holds them.
  return JSON.stringify({ ...session, claims: undefined });
}

/** Of a text that was unsealed. */
export function readSession(text: string): LoginSession {
  const written = JSON.parse(text) as Partial<Written> & Omit<Written, 'accessToken' | 'refreshToken'>;
  const { accessToken, refreshToken } = written;
  // It was verified before it was sealed.
  return { ...written, accessToken, refreshToken, claims: decodeJwt(written.idToken) };
}

/** A login that was begun, until the browser comes back from the provider. */
export interface LoginAttempt {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** Path and query. */
  readonly returnTo: string;
  readonly startedMs: number;
  /** What it was begun for, as in `SessionBasis`: any Route of the host may take the answer. */
  readonly scopes: readonly string[];
  readonly ttlMs: number;
  readonly keepsToken: boolean;
}

/** Who is away for longer begins anew. */
export const attemptMsMax = 600_000;
