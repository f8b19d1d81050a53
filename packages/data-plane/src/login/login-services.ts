import { type LoginKeyPair, LoginKeys } from '@causeway/filters/oidc/login-keys';
import { type EndedLogin, EndedLogins, type LoginServices } from '@causeway/filters/oidc/login-services';
import type { AskProvider } from '@causeway/filters/oidc/provider';
import type { Clock } from '@causeway/runtime/clock';

import type { ExchangeObserver } from '../proxy/exchange-record.ts';

export interface LoginOptions {
  /** Undefined: there are none yet. */
  readonly keys: LoginKeyPair | undefined;
  /** Sessions whose users have logged out before. */
  readonly ended: readonly EndedLogin[];
  readonly ask: AskProvider;
  /** All workers are to know that a session is over. */
  readonly onLogout: (ended: EndedLogin) => void;
}

const nobody: LoginOptions = {
  keys: undefined,
  ended: [],
  ask: () => Promise.resolve({ fault: 'unavailable' }),
  onLogout: () => {},
};

/** What logins need of a worker. */
export function loginServices(
  clock: Clock,
  observer: ExchangeObserver,
  { keys, ended, ask, onLogout }: LoginOptions = nobody,
): LoginServices {
  return {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    keys: new LoginKeys(keys),
    ended: new EndedLogins(() => clock.wallMs(), ended),
    ask,
    onLogout,
    count: (provider, event) => observer.onLogin(provider, event),
  };
}
