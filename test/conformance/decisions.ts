// What the RFCs leave to us, settled: one line for every case that is a matter of policy. docs/http-conformance.md is made of this.

import type { Case, Expectation } from './case.ts';

export interface Decision {
  readonly id: string;
  /** Narrows what the case allows. */
  readonly expect: Partial<Expectation>;
  readonly what: string;
  readonly why: string;
}

const forwarded: Partial<Expectation> = { prefer: 200, upstreamSees: 'exactly-one-request' };
const refused: Partial<Expectation> = { prefer: 400, upstreamSees: 'none' };
const refusedAndClosed: Partial<Expectation> = { ...refused, connection: 'close' };

const methods: readonly Decision[] = [
  {
    id: 'RL-02',
    expect: refusedAndClosed,
    what: 'A method with a lower-case letter is refused with 400.',
    why: 'Methods are case-sensitive; a server behind us that is not would let `get` around a rule for `GET`.',
  },
  {
    id: 'RL-03',
    expect: forwarded,
    what: 'A method that nobody registered is forwarded, if it is a token of upper-case letters, digits and marks.',
    why: 'New methods (QUERY is the latest) must not need a new gateway; a Route may list the methods that it takes.',
  },
  {
    id: 'RL-48',
    expect: { prefer: 501, upstreamSees: 'none' },
    what: 'TRACE is answered 501 and never forwarded.',
    why: 'It would echo cookies and credentials, those that proxies add included.',
  },
  {
    id: 'CL-34',
    expect: forwarded,
    what: 'HEAD may have a body, which is forwarded.',
    why: 'It is framed like any other; what it means is for the upstream to say (RFC 9110 section 9.3.2).',
  },
  {
    id: 'CL-35',
    expect: forwarded,
    what: 'OPTIONS may have a body, which is forwarded.',
    why: 'RFC 9110 section 9.3.7 allows it.',
  },
];

const targets: readonly Decision[] = [
  {
    id: 'RL-41',
    expect: refused,
    what: 'An absolute-form target whose scheme is not that of the listener is refused with 400.',
    why: 'Nobody but the listener says whether a connection is secure.',
  },
  ...['PN-14', 'PN-16', 'PN-18', 'PN-20', 'PN-24', 'PN-25', 'PN-29'].map((id) => ({
    id,
    expect: refused,
    what: 'A path with an encoded slash, backslash, question mark or hash, a raw backslash or a semicolon is refused with 400.',
    why: 'Servers read these in two ways, which gets around rules; a Route that needs one lists it in `allowEncoded`.',
  })),
  {
    id: 'PN-26',
    expect: forwarded,
    what: 'An encoded blank is a character of its segment: `/admin%20` is not `/admin`, and is forwarded as it is.',
    why: 'Names with blanks are common, and no server takes one for the end of a segment.',
  },
];

const fields: readonly Decision[] = [
  {
    id: 'HS-27',
    expect: forwarded,
    what: 'Content_Length stays behind.',
    why: 'CGI gives it the same name as Content-Length, which frames the message.',
  },
  {
    id: 'TE-31',
    expect: forwarded,
    what: 'Transfer_Encoding stays behind.',
    why: 'CGI gives it the same name as Transfer-Encoding, which frames the message.',
  },
  {
    id: 'HB-07',
    expect: forwarded,
    what: 'A Connection that names Cookie or Cache-Control takes them away.',
    why: 'It is what RFC 9110 section 7.6.1 says, and the request loses rights by it, never gains any.',
  },
  ...['SP-06', 'SP-08', 'SP-09', 'SP-10'].map((id) => ({
    id,
    expect: forwarded,
    what: 'X-Forwarded-*, Forwarded, X-Original-URL and X-Rewrite-URL of a peer that is no trusted proxy stay behind.',
    why: 'Applications believe them: about who calls, and about which path was asked for.',
  })),
];

const extensionsRefused: Partial<Expectation> = {
  prefer: 400,
  upstreamSees: 'no-complete-request',
  connection: 'close',
};

const bodies: readonly Decision[] = ['CK-34', 'CK-35'].map((id) => ({
  id,
  expect: extensionsRefused,
  what: 'Chunk extensions of more than 4096 bytes in one body are refused with 400.',
  why: 'Nobody needs them, and reading them costs work that carries nothing (RFC 9112 section 7.1.1).',
}));

const connections: readonly Decision[] = [
  {
    id: 'CN-06',
    expect: { ...forwarded, connection: 'close' },
    what: 'The connection of an HTTP/1.0 client ends with its response, whatever it asks for.',
    why: 'Its wish may be that of a client behind an old proxy, which passes it on without knowing it (RFC 9112 section 9.3).',
  },
  {
    id: 'CN-14',
    expect: { prefer: 408, upstreamSees: 'none', connection: 'close' },
    what: 'A head must be complete within `timeouts.requestHead` of its first byte, however busily it comes; then 408.',
    why: 'A time limit that every byte prolongs limits nothing.',
  },
  {
    id: 'CN-16',
    expect: { prefer: 200, upstreamSees: 'any', responses: 500 },
    what: 'Pipelined requests are answered one at a time, in order, all of them; up to 16 KiB of them are read ahead.',
    why: 'Reading stops meanwhile, so memory is bounded and nothing needs refusing.',
  },
  {
    id: 'CN-18',
    expect: { prefer: 408, connection: 'close' },
    what: 'A body that comes slower than `limits.minBytesPerSecond`, after a grace of 5 s, is given up with 408.',
    why: 'Bytes that were promised as a body are never read as a request; when the time is up the connection ends.',
  },
];

const responses: readonly Decision[] = [
  {
    id: 'UR-25',
    expect: { prefer: 502, upstreamSees: 'exactly-one-request' },
    what: 'More than 16 informational responses before the final one are a 502.',
    why: 'Their number must be bounded, and no application needs as many.',
  },
  {
    id: 'UR-26',
    expect: { prefer: 502, upstreamSees: 'exactly-one-request' },
    what: 'A response head of more than 64 KiB is a 502.',
    why: 'Servers send more than clients do (policies, cookies), and most clients refuse less.',
  },
];

export const decisions: readonly Decision[] = [
  ...methods,
  ...targets,
  ...fields,
  ...bodies,
  ...connections,
  ...responses,
];

/** Cases in which we do other than preferred, with the reason. There are none. */
export const deviations: readonly Decision[] = [];

/** The case with what we have settled on for it. */
export function settle(each: Case): Case {
  const decision = [...decisions, ...deviations].find(({ id }) => id === each.id);
  return decision === undefined ? each : { ...each, expect: { ...each.expect, ...decision.expect } };
}
