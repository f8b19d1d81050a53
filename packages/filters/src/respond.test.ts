import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TemplatePart } from '@causeway/model/template';
import type { Answer, Filter, Refusal } from './filter.ts';
import { FilterChain } from './filter-chain.ts';
import { createRespondFilter } from './respond.ts';
import { FakeOwner } from './testing/fake-owner.ts';

const header = (name: string, ...value: TemplatePart[]) => ({ name, value });
const variable = (source: Exclude<TemplatePart, string>['source'], name = ''): TemplatePart => ({
  source,
  name,
});

function respond(body: TemplatePart[], headers: { name: string; value: TemplatePart[] }[] = []): Filter {
  return createRespondFilter('hello', { status: 203, headers, body });
}

function ask(filter: Filter, change: Partial<FakeOwner> = {}): Answer | Refusal {
  const chain = new FilterChain([filter]);
  const owner = Object.assign(new FakeOwner(chain), change);
  chain.requestHead(owner);
  assert.ok(owner.response);
  return owner.response;
}

function answerOf(
  filter: Filter,
  change: Partial<FakeOwner> = {},
): { fields: readonly string[]; text: string } {
  const answer = ask(filter, change);
  assert.ok(answer.kind === 'answer');
  assert.equal(answer.status, 203);
  return { fields: answer.fields, text: Buffer.from(answer.body).toString('utf8') };
}

describe('respond', () => {
  it('answers every request with the same object when nothing varies', () => {
    const filter = respond(['héllo'], [header('content-type', 'text/plain; charset=utf-8')]);
    assert.deepEqual(answerOf(filter), {
      fields: ['content-type', 'text/plain; charset=utf-8'],
      text: 'héllo',
    });
    assert.equal(ask(filter), ask(filter));
  });

  it('puts the parts of the request where they are named', () => {
    const owner = {
      method: 'PUT',
      host: 'b.test',
      path: '/hello/J%C3%BCrgen',
      requestId: 'id-7',
      query: 'q=J%C3%BCrgen+%26',
      clientAddress: '2001:db8::1',
      headers: new Map([['x-a', 'J\u00c3\u00bcrgen']]),
      parameters: new Map([['name', 'J%C3%BCrgen']]),
    };
    const sources = [
      'request.method',
      'request.host',
      'request.path',
      'request.id',
      'request.scheme',
      'client.address',
      'route.name',
    ] as const;
    const plain = sources.flatMap((source) => [variable(source), ' ']);
    const named = [
      variable('request.header.', 'x-a'),
      '|',
      variable('request.query.', 'q'),
      '|',
      variable('path.', 'name'),
    ];
    assert.equal(
      answerOf(respond([...plain, ...named]), owner).text,
      'PUT b.test /hello/J%C3%BCrgen id-7 http 2001:db8::1 default/r Jürgen|Jürgen &|J%C3%BCrgen',
    );
  });

  it('leaves out a header that lacks a part, and puts nothing for it into a body', () => {
    const absent = variable('request.header.', 'x-none');
    const filter = respond(
      ['a', absent, 'b'],
      [header('x-a', 'x', absent), header('x-b', variable('request.id'))],
    );
    assert.deepEqual(answerOf(filter), { fields: ['x-b', 'id-1'], text: 'ab' });
  });

  it('refuses a request that would split the head', () => {
    const filter = respond([], [header('location', '/', variable('request.query.', 'to'))]);
    for (const byte of ['%0D', '%0A', '%00', '%7F', '%1b']) {
      const answer = ask(filter, { query: `to=x${byte}y` });
      assert.ok(answer.kind === 'refusal' && answer.reason === 'bad_request', byte);
      assert.match(answer.detail ?? '', /location/);
    }
    assert.deepEqual(answerOf(filter, { query: 'to=x%09y' }).fields, ['location', '/x\ty']);
  });
});
