import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  CheckRequestSchema,
  CheckResponseSchema,
} from '@causeway/proto/gen/causeway/extauthz/v1/ext_authz_pb';

import { fieldValue } from '../fields.ts';
import type { Answer, Refusal, ServiceAnswer, ServiceQuestion } from '../filter.ts';
import { FilterChain } from '../filter-chain.ts';
import { FakeOwner } from '../testing/fake-owner.ts';
import { ExternalAuthFilter } from './external-auth.ts';

type Response = MessageInitShape<typeof CheckResponseSchema>;

function answerOf(response: Response, more: Partial<ServiceAnswer> = {}): ServiceAnswer {
  const message = toBinary(CheckResponseSchema, create(CheckResponseSchema, response));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return {
    status: 200,
    fields: [],
    body: Buffer.concat([prefix, message]),
    trailers: ['grpc-status', '0'],
    ...more,
  };
}

async function ask(answer: ServiceAnswer | undefined, init: Partial<FakeOwner> = {}) {
  const owner = new FakeOwner(new FilterChain([]));
  Object.assign(owner, { method: 'PUT', path: '/a', query: 'b=1' }, init);
  owner.upstreamFields = ['X-User', 'root', 'cookie', 'c=1', 'authorization', 'Bearer x'];
  owner.headers.set('content-length', '7');
  let question: ServiceQuestion | undefined;
  owner.answers = (_service, asked) => {
    question = asked;
    return answer;
  };
  const filter = new ExternalAuthFilter('x', {
    service: 'default/judge',
    protocol: 'grpc',
    path: undefined,
    headers: ['authorization'],
    upstreamHeaders: ['x-user'],
    clientHeaders: ['location'],
    bodyBytesMax: 10,
    timeoutMs: 250,
    allowsOnFailure: false,
  });
  const verdict = await filter.onRequestHead(owner);
  return { owner, verdict, question: question! };
}

const header = (key: string, value: string) => ({ header: { key, value } });

describe('the gRPC check', () => {
  it('tells what the request is', async () => {
    const body = { hasRequestBody: true, requestBody: Buffer.from('content') };
    const { question } = await ask(answerOf({}), body);
    assert.deepEqual(
      [question.method, question.target, question.wantsTrailers, fieldValue(question.fields, 'grpc-timeout')],
      ['POST', '/envoy.service.auth.v3.Authorization/Check', true, '250m'],
    );
    const frame = Buffer.from(question.body!);
    assert.equal(frame.readUInt32BE(1), frame.length - 5);
    const { attributes } = fromBinary(CheckRequestSchema, frame.subarray(5));
    const { method, path, headers, size, rawBody } = attributes!.request!.http!;
    assert.deepEqual(
      [method, path, { ...headers }, size, String(Buffer.from(rawBody))],
      ['PUT', '/a?b=1', { authorization: 'Bearer x' }, 7n, 'content'],
    );
    assert.equal(attributes!.source?.address?.socketAddress?.address, '203.0.113.1');
    assert.deepEqual({ ...attributes!.contextExtensions }, { route: 'default/r' });
  });

  it('lets pass with status OK, with the headers that may cross', async () => {
    const okResponse = {
      headers: [header('X-User', 'alice'), header('x-more', '1')],
      headersToRemove: ['Cookie', 'host'],
    };
    const { verdict, owner } = await ask(
      answerOf({ httpResponse: { case: 'okResponse', value: okResponse } }),
    );
    assert.equal(verdict, undefined);
    assert.deepEqual(owner.upstreamFields, ['authorization', 'Bearer x', 'x-user', 'alice']);
  });

  it('refuses with any other status', async () => {
    const deniedResponse = {
      status: { code: 302 },
      headers: [header('Location', '/login'), header('x-internal', '1')],
      body: 'sign in',
    };
    const { verdict } = await ask(
      answerOf({ status: { code: 7 }, httpResponse: { case: 'deniedResponse', value: deniedResponse } }),
    );
    const { status, fields, body } = verdict as Answer;
    assert.deepEqual([status, fields, String(body)], [302, ['location', '/login'], 'sign in']);
    const value = { status: { code: 503 } };
    const httpResponse = { case: 'deniedResponse', value } as const;
    const busy = await ask(answerOf({ status: { code: 7 }, httpResponse }));
    assert.equal((busy.verdict as Answer).status, 503, 'a refusal, not a failure');
    for (const [code, expected] of [
      [16, 401],
      [7, 403],
      [5, 403],
    ] as const)
      assert.equal(((await ask(answerOf({ status: { code } }))).verdict as Answer).status, expected);
  });

  const broken: [string, ServiceAnswer | undefined][] = [
    ['no answer', undefined],
    ['a status that is not 200', answerOf({}, { status: 404 })],
    ['a failed call', answerOf({}, { trailers: ['grpc-status', '14'] })],
    ['a call without a message', { status: 200, fields: ['grpc-status', '0'], body: new Uint8Array() }],
    ['no status', answerOf({}, { trailers: [] })],
    ['a compressed message', answerOf({}, { body: Buffer.from([1, 0, 0, 0, 0]) })],
    ['a message cut short', answerOf({}, { body: Buffer.from([0, 0, 0, 0, 9, 1]) })],
    ['no message of protobuf', answerOf({}, { body: Buffer.from([0, 0, 0, 0, 1, 0xff]) })],
  ];
  for (const [what, answer] of broken)
    it(`fails with ${what}`, async () => {
      assert.equal(((await ask(answer)).verdict as Refusal).reason, 'auth_unavailable');
    });

  it('sends no body that is too large', async () => {
    const { verdict } = await ask(answerOf({}), { hasRequestBody: true, requestBody: Buffer.alloc(11) });
    assert.equal((verdict as Refusal).reason, 'payload_too_large');
  });
});
