import { OpenApi } from '@causeway/schema/openapi/open-api';
import type { RequestParts } from '@causeway/schema/request-parts';
import type { HeadJudgement, RequestRules } from '@causeway/schema/request-rules';

/** Rules of an OpenAPI document, which is read by the first request that needs it: a large one would hold up the swap of tables. */
export class ApiSpecRules implements RequestRules {
  #document: string | undefined;
  #rules: OpenApi | undefined;

  /** `document`: JSON. */
  constructor(document: string) {
    this.#document = document;
  }

  judge(request: RequestParts): HeadJudgement {
    if (this.#rules === undefined) {
      this.#rules = new OpenApi(JSON.parse(this.#document ?? ''));
      this.#document = undefined;
    }
    return this.#rules.judge(request);
  }
}
