/** What logins need of their node. */

import type { LoginKeys } from './login-keys.ts';
import type { AskProvider } from './provider.ts';

export const loginEvents = [
  'started',
  'completed',
  'failed',
  'refreshed',
  'refreshFailed',
  'loggedOut',
] as const;
export type LoginEvent = (typeof loginEvents)[number];

export interface LoginServices {
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
  readonly keys: LoginKeys;
  /** Sessions whose users have logged out. */
  readonly ended: EndedLogins;
  readonly ask: AskProvider;
  /** Has all workers know that a session is over. */
  readonly onLogout: (ended: EndedLogin) => void;
  readonly count: (provider: string, event: LoginEvent) => void;
}

/** A session whose user has logged out; from `endsAtMs` on, in milliseconds since 1970, nobody would take it anyway. */
export interface EndedLogin {
  readonly session: string;
  readonly endsAtMs: number;
}

const endedMax = 20_000;

/** Those who have logged out, so that no answer that is still on its way logs them in again: when they are too many, the youngest. */
export class EndedLogins {
  readonly #endsAtMs = new Map<string, number>();
  readonly #wallMs: () => number;

  constructor(wallMs: () => number, ended: readonly EndedLogin[] = []) {
    this.#wallMs = wallMs;
    for (const each of ended) this.add(each);
  }

  has(session: string): boolean {
    return this.#endsAtMs.has(session);
  }

  add({ session, endsAtMs }: EndedLogin): void {
    this.#endsAtMs.set(session, endsAtMs);
    if (this.#endsAtMs.size <= endedMax) return;
    const [oldest] = this.#endsAtMs.keys();
    if (oldest !== undefined) this.#endsAtMs.delete(oldest);
  }

  /** Those that still matter; the others are forgotten. */
  list(): EndedLogin[] {
    const nowMs = this.#wallMs();
    for (const [session, endsAtMs] of this.#endsAtMs) if (endsAtMs <= nowMs) this.#endsAtMs.delete(session);
    return Array.from(this.#endsAtMs, ([session, endsAtMs]) => ({ session, endsAtMs }));
  }
}
