import type { AuthorizeSettings } from '@causeway/filters/authorize';
import type { Authorize } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readAuthorize({ namespace, rules }: Authorize): AuthorizeSettings {
  return {
    namespace,
    rules: rules.map(({ allow, consumers, groups, scopes, claims, methods, paths, addresses }) => ({
      allow,
      consumers,
      groups,
      scopes,
      claims: claims.map(({ name, values }) => ({ name, values })),
      methods,
      paths,
      addresses,
    })),
  };
}
