import { create } from '@bufbuild/protobuf';
import type { ExternalAuthSpec } from '@causeway/model/filters/external-auth';
import { durationMs, sizeBytes } from '@causeway/model/quantity';
import { qualifiedName } from '@causeway/model/resource';
import { type ExternalAuth, ExternalAuthSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

/** `namespace`: of the Service. */
export function compileExternalAuth(spec: ExternalAuthSpec, namespace: string | undefined): ExternalAuth {
  const lower = (names: readonly string[]): string[] => names.map((each) => each.toLowerCase());
  return create(ExternalAuthSchema, {
    service: qualifiedName(namespace, spec.service),
    path: spec.path ?? '',
    headers: lower(spec.headers),
    upstreamHeaders: lower(spec.upstreamHeaders),
    clientHeaders: lower(spec.clientHeaders),
    timeoutMs: durationMs(spec.timeout),
    byGrpc: spec.protocol === 'grpc',
    bodyBytesMax: sizeBytes(spec.maxBodySize),
    allowsOnFailure: spec.onFailure === 'allow',
  });
}
