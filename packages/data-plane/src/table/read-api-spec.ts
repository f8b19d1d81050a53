import type { Steps } from '@causeway/runtime/work-slices';
import { OpenApi } from '@causeway/schema/openapi/open-api';
import type { RequestRules } from '@causeway/schema/request-rules';

/** Rules of an OpenAPI document in JSON, with all that they compile: the first request would wait for it. Of a bad one they throw. */
export function* readApiSpec(document: string): Steps<RequestRules> {
  try {
    const rules = yield* OpenApi.read(JSON.parse(document));
    yield* rules.compile();
    return rules;
  } catch (error) {
    // The control plane takes none such; if one of another version has, that must not cost the node its other Routes.
    return {
      judge: () => {
        throw error;
      },
    };
  }
}
