import type { RequiredClaim } from '@causeway/filters/jwt/claims';
import type { JwtSettings } from '@causeway/filters/jwt/jwt';
import type {
  Jwt,
  RequiredClaim as CompiledClaim,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readJwt({
  providers,
  optional,
  scopes,
  claims,
  consumerRequired,
  removesCredentials,
}: Jwt): JwtSettings {
  return { providers, optional, scopes, claims: claims.map(readClaim), consumerRequired, removesCredentials };
}

export function readClaim({ claim, values }: CompiledClaim): RequiredClaim {
  return { claim, values: values.map((value) => JSON.parse(value) as unknown) };
}
