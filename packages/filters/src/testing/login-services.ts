import { LoginKeys } from '../oidc/login-keys.ts';
import { EndedLogins, type LoginServices } from '../oidc/login-services.ts';

/** Of a node that is alone, with keys of its own, and whose providers are all away unless `more` says otherwise. */
export function loginServices(more: Partial<LoginServices> = {}): LoginServices {
  return {
    wallMs: Date.now,
    monotonicMs: () => performance.now(),
    keys: new LoginKeys({ current: new Uint8Array(32).fill(1), previous: undefined }),
    ended: new EndedLogins(Date.now),
    ask: () => Promise.resolve({ fault: 'unavailable' }),
    onLogout: () => {},
    count: () => {},
    ...more,
  };
}
