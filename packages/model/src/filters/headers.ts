import type { z } from 'zod';
import { headerName, list, object, say } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';
import {
  type HeaderComplaint,
  headerMap,
  headerRecord,
  type HeaderRule,
  isConnectionHeader,
} from './header-map.ts';

const headersMax = 64;

const ofConnection = { detail: 'the node writes this header itself' };
const host = { detail: 'Host is not changed here', hint: 'use rewrite.host' };
const ofGateway = { detail: 'the gateway alone says this to upstreams' };

/** What nobody may touch. */
function untouchable(lowerName: string): HeaderComplaint | undefined {
  return isConnectionHeader(lowerName) ? ofConnection : undefined;
}

/** Applications that read CGI variables take `_` for `-`. */
function untouchableOfRequests(lowerName: string): HeaderComplaint | undefined {
  const name = lowerName.replaceAll('_', '-');
  if (name === 'host') return host;
  if (name === 'expect') return ofConnection;
  if (name.startsWith('x-consumer-')) return ofGateway;
  return untouchable(name);
}

function unsettableOfRequests(lowerName: string): HeaderComplaint | undefined {
  const name = lowerName.replaceAll('_', '-');
  const isForwarding = name.startsWith('x-forwarded-') || ['forwarded', 'via', 'x-request-id'].includes(name);
  return isForwarding ? ofGateway : untouchableOfRequests(lowerName);
}

function judged(rule: HeaderRule) {
  return headerName.superRefine((name, context) => {
    const complaint = rule(name.toLowerCase());
    if (complaint === undefined) return;
    context.addIssue({
      code: 'custom',
      message: say('not_allowed_here', complaint.detail, complaint.hint),
    });
  });
}

/** Name of a header for upstreams that the gateway is told to fill. */
export const ownHeaderName = judged(unsettableOfRequests);

function edits(description: string, mayTouch: HeaderRule, maySet: HeaderRule) {
  return object(
    {
      rename: headerRecord(
        judged(maySet),
        'Old name to new name. Where there is a header of the old name it takes the place of those of the new one. Comes first.',
        mayTouch,
      ),
      remove: list(judged(mayTouch), {
        description: 'Headers that do not go on. Comes after rename.',
        max: headersMax,
        key: '',
      }).default([]),
      set: headerMap(
        'Header to template, in place of what is there; where a part of the template is absent there is no such header. Comes after remove.',
        maySet,
      ),
      add: headerMap('Header to template, beside what is there. Comes last.', maySet),
    },
    description,
  ).prefault({});
}

const headersSpec = object(
  {
    request: edits('Headers that go upstream.', untouchableOfRequests, unsettableOfRequests),
    response: edits('Headers that go to the client.', untouchable, untouchable),
  },
  'Changes headers: rename, remove, set, add, in this order.',
).superRefine(({ request, response }, context) => {
  if (countOf(request) + countOf(response) > 0) return;
  context.addIssue({
    code: 'custom',
    message: say('missing', 'changes nothing', 'write request, response or both'),
  });
});

export type HeadersSpec = z.output<typeof headersSpec>;
export type HeaderEdits = HeadersSpec['request'];

function countOf({ rename, remove, set, add }: HeaderEdits): number {
  return [rename, remove, set, add].reduce((sum, each) => sum + Object.keys(each).length, 0);
}

export const headersFilter: FilterKind<typeof headersSpec> = {
  key: 'headers',
  spec: headersSpec,
  phase: 'transformation',
  mayRepeat: true,
  summary: ({ request, response }) => {
    const parts = [
      ...(countOf(request) > 0 ? [`${countOf(request)} of requests`] : []),
      ...(countOf(response) > 0 ? [`${countOf(response)} of responses`] : []),
    ];
    return `headers ${parts.join(', ')}`;
  },
};
