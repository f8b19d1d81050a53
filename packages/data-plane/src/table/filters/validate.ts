import type { ValidateSettings } from '@causeway/filters/validate/validate';
import type { Validate } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';
import type { Schema } from '@causeway/schema/json-schema';

export function readValidate({ rules, bodyBytesMax }: Validate): ValidateSettings {
  return { rules: readRules(rules), bodyBytesMax: Number(bodyBytesMax) };
}

function readRules(rules: Validate['rules']): ValidateSettings['rules'] {
  if (rules.case === 'apiSpec') return rules.value;
  if (rules.case === undefined) throw new UnknownChoice('what requests are judged by');
  const { query, headers, body } = rules.value;
  return {
    ...(query !== undefined && { query: JSON.parse(query) as Schema }),
    ...(headers !== undefined && { headers: JSON.parse(headers) as Schema }),
    ...(body !== undefined && { body: JSON.parse(body) as Schema }),
  };
}
