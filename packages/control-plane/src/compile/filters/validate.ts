import { create } from '@bufbuild/protobuf';
import type { ValidateSpec } from '@causeway/model/filters/validate';
import { sizeBytes } from '@causeway/model/quantity';
import { qualifiedName } from '@causeway/model/resource';
import { type Validate, ValidateSchema } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { sortedJson } from '../sorted-json.ts';

/** `namespace`: of the ApiSpec. */
export function compileValidate(
  { query, headers, body, openapi, maxBodySize }: ValidateSpec,
  namespace: string | undefined,
): Validate {
  const schemas = {
    ...(query !== undefined && { query: sortedJson(query) }),
    ...(headers !== undefined && { headers: sortedJson(headers) }),
    ...(body !== undefined && { body: sortedJson(body) }),
  };
  return create(ValidateSchema, {
    rules:
      openapi === undefined
        ? { case: 'schemas', value: schemas }
        : { case: 'apiSpec', value: qualifiedName(namespace, openapi) },
    bodyBytesMax: BigInt(sizeBytes(maxBodySize)),
  });
}
