import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AdminApiError } from '@causeway/admin-client/errors';
import type { ApiProblem, ProblemDocument } from '@causeway/model/api-types';
import { Failure } from '../failure.ts';
import { parseManifestFile } from '../manifests/manifest-file.ts';
import { applyRefusal, referenced } from './apply-refusal.ts';

const documents = [
  ...parseManifestFile('b.yaml', 'kind: Route\nspec:\n  x: 1\n---\nkind: Route\nspec:\n  y: 1\n').documents,
  ...parseManifestFile('a.yaml', 'kind: Route\nspec:\n  z: 1\n').documents,
];

function text(code: ProblemDocument['code'], errors: ApiProblem[]): string {
  const problem = {
    type: '',
    title: '',
    status: 422,
    code,
    detail: 'no',
    instance: '',
    requestId: '',
    errors,
  };
  const failure = applyRefusal(new AdminApiError(problem), documents, {
    namespace: 'default',
    outcome: 'nothing was applied',
  });
  assert.ok(failure instanceof Failure);
  return failure.text();
}

function unknown(document: number, pointer: string): ApiProblem {
  return { document, pointer, code: 'unknown_field', detail: 'unknown field' };
}

describe('a refused apply', () => {
  it('names the places of all problems, by file and line', () => {
    assert.equal(
      text('invalid', [unknown(1, '/spec/y'), unknown(0, '/spec/x'), unknown(2, '/spec/z')]),
      [
        'a.yaml:3:3 /spec/z: unknown field',
        'b.yaml:3:3 /spec/x: unknown field',
        'b.yaml:7:3 /spec/y: unknown field',
        'error: 3 problems, nothing was applied',
      ].join('\n'),
    );
  });

  it('keeps the sentence of the server when a problem is in no document', () => {
    const errors: ApiProblem[] = [{ pointer: '/remove/0', code: 'bad_format', detail: 'names no object' }];
    assert.equal(text('malformed', errors), 'error: no\n  /remove/0: names no object');
  });

  it('names the objects of a conflict', () => {
    const conflict = {
      code: 'conflict' as const,
      pointer: '/metadata/resourceVersion',
      detail: 'is at 2, not 1',
    };
    const resources = ['route/default/a', 'route/shop/b'];
    assert.match(
      text(
        'conflict',
        resources.map((resource) => ({ ...conflict, resource })),
      ),
      /^error: conflict on route\/a, route\/shop\/b, nothing was applied\n {2}\/metadata\/resourceVersion: is at 2/,
    );
  });

  it('leaves other errors as they are', () => {
    const error = new Error('x');
    assert.equal(applyRefusal(error, documents, { namespace: '', outcome: '' }), error);
  });
});

describe('a deletion of what others refer to', () => {
  const user = (resource: string, target: string): ApiProblem => ({
    resource,
    pointer: '/spec/a',
    code: 'referenced',
    detail: `refers to ${target}`,
  });

  it('names the users of each object, and the command that takes all away', () => {
    const failure = referenced(
      [
        user('route/default/a', 'service/default/s'),
        user('route/default/b', 'service/default/s'),
        user('route/default/b', 'service/default/t'),
      ],
      'default',
    );
    assert.equal(failure.exitCode, 3);
    assert.equal(
      failure.text(),
      [
        'error: service/s is used by route/a, route/b',
        '  service/t is used by route/b',
        'hint: delete those first, or all at once: gwctl delete service/s service/t route/a route/b',
      ].join('\n'),
    );
  });

  it('does not offer to delete what is a part of an object', () => {
    const failure = referenced([user('route/shop/a', 'listener http of gateway/default')], 'default');
    assert.equal(
      failure.text(),
      'error: listener http of gateway/default is used by route/shop/a\nhint: change those first, or in the same apply',
    );
  });
});
