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
  readonly onLogout: (session: string) => void;
  readonly count: (provider: string, event: LoginEvent) => void;
}

const endedMax = 20_000;

/** The youngest of those who have logged out, so that no answer that is still on its way logs them in again. */
export class EndedLogins {
  readonly #sessions = new Set<string>();

  has(session: string): boolean {
    return this.#sessions.has(session);
  }

  add(session: string): void {
    this.#sessions.add(session);
    if (this.#sessions.size <= endedMax) return;
    const [oldest] = this.#sessions;
    if (oldest !== undefined) this.#sessions.delete(oldest);
  }
}
