/** Requests for rules to judge. */

import type { RequestFinding, RequestParts } from '../request-parts.ts';
import type { RequestRules } from '../request-rules.ts';

export interface Sent {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export function requestParts({ method = 'GET', path = '/', query, headers = {}, body }: Sent): RequestParts {
  return {
    method,
    path,
    query,
    hasRequestBody: body !== undefined,
    requestHeader: (name) => headers[name],
    upstreamFields: Object.entries(headers).flat(),
  };
}

/** All that is wrong, a line each; the body is judged where the head is good. */
export function told(rules: RequestRules, request: RequestParts, body: Sent['body']): string[] {
  const { findings, body: rule } = rules.judge(request);
  if (findings.length > 0 || rule === undefined || body === undefined) return findings.map(line);
  return rule.judge(Buffer.from(body)).map(line);
}

function line({ in: place, name, pointer, detail }: RequestFinding): string {
  return `${place} ${name === undefined ? '' : `${name} `}${pointer}: ${detail}`;
}
