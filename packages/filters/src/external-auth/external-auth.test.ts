import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { ExternalAuthFilter, type ExternalAuthSettings } from './external-auth.ts';
import { fieldValue } from '../fields.ts';
import type { Answer, Refusal, ServiceAnswer, ServiceQuestion, Verdict } from '../filter.ts';
import { FilterChain } from '../filter-chain.ts';
import { FakeOwner } from '../testing/fake-owner.ts';

const settings: ExternalAuthSettings = {
  service: 'default/auth',
  protocol: 'http',
  path: undefined,
  headers: ['authorization', 'cookie'],
  upstreamHeaders: ['x-user'],
  clientHeaders: ['location', 'set-cookie'],
  bodyBytesMax: 0,
  timeoutMs: 500,
  allowsOnFailure: false,
};

function answerOf(status: number, fields: string[] = [], body = ''): ServiceAnswer {
  return { status, fields, body: Buffer.from(body) };
}

async function ask(answer: ServiceAnswer | undefined, more: Partial<ExternalAuthSettings> = {}) {
  const owner = new FakeOwner(new FilterChain([]));
  const questions: ServiceQuestion[] = [];
  owner.path = '/orders/7';
  owner.query = 'a=1';
  owner.method = 'DELETE';
  owner.headers.set('authorization', 'Bearer x');
  owner.headers.set('x-other', 'secret');
  owner.upstreamFields = ['X-User', 'root', 'x_user', 'root', 'a', 'b', 'authorization', 'Bearer x'];
  owner.answers = (service, question) => {
    assert.equal(service, 'default/auth');
    questions.push(question);
    return answer;
  };
  const verdict: Verdict = await new ExternalAuthFilter('x', { ...settings, ...more }).onRequestHead(owner);
  return { owner, verdict, question: questions[0]! };
}

const kept = ['a', 'b', 'authorization', 'Bearer x'];

describe('externalAuth', () => {
  it('tells what the request is, and no header that was not asked for', async () => {
    const { question } = await ask(answerOf(200));
    assert.deepEqual([question.method, question.target, question.timeoutMs], ['GET', '/orders/7?a=1', 500]);
    const told = Object.fromEntries(
      ['x-forwarded-method', 'x-forwarded-uri', 'x-forwarded-for', 'authorization', 'x-other'].map((name) => [
        name,
        fieldValue(question.fields, name),
      ]),
    );
    assert.deepEqual(told, {
      'x-forwarded-method': 'DELETE',
      'x-forwarded-uri': '/orders/7?a=1',
      'x-forwarded-for': '203.0.113.1',
      authorization: 'Bearer x',
      'x-other': undefined,
    });
    assert.equal((await ask(answerOf(200), { path: '/check' })).question.target, '/check');
  });

  it('lets pass what the Service lets pass, with what it says for the upstream alone', async () => {
    const { owner, verdict } = await ask(answerOf(204, ['X-User', 'alice', 'x-more', '1']));
    assert.equal(verdict, undefined);
    assert.ok(owner.isJudgedElsewhere);
    assert.deepEqual(owner.upstreamFields, ['a', 'b', 'authorization', 'Bearer x', 'x-user', 'alice']);
    assert.deepEqual((await ask(answerOf(200))).owner.upstreamFields, kept, 'nothing of the client crosses');
  });

  it('gives the client any other answer, with the headers that it may have', async () => {
    for (const status of [302, 401, 403, 429]) {
      const fields = ['Location', '/login', 'X-Internal', '1', 'Content-Type', 'text/html'];
      const { verdict } = await ask(answerOf(status, fields, 'sign in'));
      const { fields: sent, body, ...rest } = verdict as Answer;
      assert.deepEqual(rest, { kind: 'answer', status });
      assert.deepEqual(
        [sent, Buffer.from(body).toString()],
        [['location', '/login', 'content-type', 'text/html'], 'sign in'],
      );
    }
  });

  it('fails as it is told to when there is no answer, or a broken one', async () => {
    for (const broken of [undefined, answerOf(500), answerOf(503)]) {
      assert.equal(((await ask(broken)).verdict as Refusal).reason, 'auth_unavailable');
      const allowed = await ask(broken, { allowsOnFailure: true });
      assert.deepEqual([allowed.verdict, allowed.owner.upstreamFields], [undefined, kept]);
    }
  });
});
