import type { AuthProviderSpec } from '@causeway/model/kinds/auth-provider';
import { entriesOf, fieldOf } from '@causeway/model/kinds/kind';
import { resourceKey } from '@causeway/model/resource';
import type { KeySecret } from '../compile/compile-auth-provider.ts';
import type { Entry, ResourceView } from '../store/resource-index.ts';
import { type ReadSecret, secretReference } from '../store/secret-values.ts';

/** Reads the secrets of an AuthProvider's inline keys, its own and those in Secrets. */
export function providerSecrets(provider: Entry, resources: ResourceView, readSecret: ReadSecret): KeySecret {
  const stored = entriesOf(provider.resource.spec['jwks'], 'keys');
  const { jwks } = provider.effective as AuthProviderSpec;
  return (index) => {
    const own = secretReference(fieldOf(stored[index], 'k'));
    if (own !== undefined) return readSecret(own.secretRef);
    const written = jwks.keys?.[index]?.['k'];
    const [name, key] = [fieldOf(written, 'secret'), fieldOf(written, 'key')];
    if (typeof name !== 'string' || typeof key !== 'string') return undefined;
    const { namespace } = provider.resource.metadata;
    const secret = resources.get(resourceKey({ kind: 'Secret', ...(namespace && { namespace }), name }));
    const reference = secretReference(fieldOf(secret?.resource.spec['data'], key));
    return reference && readSecret(reference.secretRef);
  };
}
