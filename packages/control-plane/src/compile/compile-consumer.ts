import { create } from '@bufbuild/protobuf';
import type { ConsumerSpec } from '@causeway/model/kinds/consumer';
import { qualifiedName } from '@causeway/model/resource';
import type { Compiled } from '@causeway/proto/compiled';
import {
  type CertificateIdentity,
  CompiledConsumerSchema,
  CompiledKeySecretSchema,
  QuotaPeriod,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import type { CredentialHashes } from '../store/credential-hashes.ts';
import { compileRate } from './filters/rate-limit.ts';
import type { Entry } from '../store/resource-index.ts';

/** A text that a Consumer's credential is, and the reference that it is stored under. */
export interface OpenedSecret {
  ref: string;
  text: string;
}

/** Gives what stands at a place of the spec. */
export type OpenSecretAt = (path: readonly string[]) => OpenedSecret | undefined;

/** A credential whose text is not there (any more) lets nobody in. */
export function compileConsumer(entry: Entry, open: OpenSecretAt, hashes: CredentialHashes): Compiled {
  const { namespace, name } = entry.resource.metadata;
  const { serverKeys = [] } = entry.resource;
  const { groups, disabled, keys, passwords, jwt, clientCertificates, limits, quotas } =
    entry.effective as ConsumerSpec;
  return {
    kind: 'consumer',
    key: entry.key,
    value: create(CompiledConsumerSchema, {
      name: qualifiedName(namespace, name),
      groups,
      disabled,
      keys: [
        ...keys.flatMap(({ expiresAt, disabled: isDisabled }, index) => {
          const secret = open(['keys', String(index), 'value']);
          if (secret === undefined) return [];
          return [{ hash: hashes.keyHash(secret.text), disabled: isDisabled, ...expiry(expiresAt) }];
        }),
        ...serverKeys.map(({ hash, expiresAt }) => ({
          hash: Buffer.from(hash, 'base64'),
          disabled: false,
          useTold: true,
          ...expiry(expiresAt),
        })),
      ],
      passwords: passwords.flatMap(({ username }, index) => {
        const secret = open(['passwords', String(index), 'password']);
        return secret === undefined ? [] : [{ username, ...hashes.passwordHash(secret.ref, secret.text) }];
      }),
      tokens: jwt,
      clientCertificates: clientCertificates.map(({ subject, san, sha256 }) => ({
        identity: certificateIdentity(subject, san, sha256),
      })),
      limits: limits.map((limit) => ({
        name: limit.name,
        rate: compileRate(limit, limit.per),
        cluster: limit.scope === 'cluster',
      })),
      quotas: quotas.map(({ name: quota, requests, per, timeZone }) => ({
        name: quota,
        requests,
        per: quotaPeriods[per],
        timeZone,
      })),
    }),
  };
}

function expiry(expiresAt: string | undefined): { expiresAtMs?: bigint } {
  return expiresAt === undefined ? {} : { expiresAtMs: BigInt(Date.parse(expiresAt)) };
}
const quotaPeriods = { day: QuotaPeriod.DAY, month: QuotaPeriod.MONTH } as const;

function certificateIdentity(
  subject: string | undefined,
  san: string | undefined,
  sha256: string | undefined,
): CertificateIdentity['identity'] {
  if (sha256 !== undefined) return { case: 'sha256', value: sha256 };
  if (san !== undefined) return { case: 'alternativeName', value: san };
  return { case: 'subject', value: subject ?? '' };
}

/** What the nodes of a Gateway hash presented keys with. */
export function compileKeySecret(gateway: string, hashes: CredentialHashes): Compiled {
  return {
    kind: 'keysecret',
    key: `keysecret/${gateway}`,
    value: create(CompiledKeySecretSchema, { secret: hashes.keySecret }),
  };
}
