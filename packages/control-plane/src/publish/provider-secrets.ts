import type { ProviderSecrets } from '../compile/compile-auth-provider.ts';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { secretAt } from '../store/secret-at.ts';
import type { ReadSecret } from '../store/secret-values.ts';

/** Reads the secrets of an AuthProvider, its own and those in Secrets. */
export function providerSecrets(
  provider: Entry,
  resources: ResourceView,
  readSecret: ReadSecret,
): ProviderSecrets {
  const read = (path: readonly string[]): string | undefined => {
    const reference = secretAt(provider, path, resources);
    return reference && readSecret(reference.secretRef);
  };
  return {
    keyAt: (index) => read(['jwks', 'keys', String(index), 'k']),
    get clientSecret() {
      return read(['clientSecret']);
    },
  };
}
