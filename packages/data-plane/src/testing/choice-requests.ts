/** Requests as balancers see them, without a client. */

import { sourcedRequest } from '../proxy/request-source.ts';
import { ChoiceRequest, type AffinityOutcome } from '../upstream/balancing/choice-request.ts';

export interface FakeRequest {
  readonly request: ChoiceRequest;
  readonly record: { affinity: AffinityOutcome | undefined };
}

/** One with these headers. */
export function fakeRequest(headers: Readonly<Record<string, string>> = {}, target = '/'): FakeRequest {
  const [path = '', query] = target.split('?', 2);
  const record: FakeRequest['record'] = { affinity: undefined };
  const route = {
    method: 'GET',
    host: 'a.test',
    path,
    query,
    encoded: 0,
    header: (name: string) => headers[name],
  };
  return { request: new ChoiceRequest(sourcedRequest('192.0.2.1', 'default/r', route), record), record };
}

/** What a client sends back that has been sent these, and had nothing before. */
export function sentBack(setCookies: readonly string[]): Record<string, string> {
  return { cookie: setCookies.map((value) => value.split(';', 1)[0]).join('; ') };
}
