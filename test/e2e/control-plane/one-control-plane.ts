// One control plane for all tests of a file: they keep apart by namespaces, which need no creating.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { AdminApi, Answer } from '../../kit/admin.ts';
import { OwnScope } from '../../kit/owner.ts';
import { type ControlPlane, startControlPlane } from '../../kit/processes.ts';

/** Starts a control plane before the tests of this file or suite and stops it after them. */
export function oneControlPlane(flags: readonly string[] = []): {
  readonly controlPlane: ControlPlane;
  readonly admin: AdminApi;
} {
  const scope = new OwnScope();
  let controlPlane: ControlPlane | undefined;
  const running = (): ControlPlane => {
    if (controlPlane === undefined) throw new Error('no control plane before the tests begin');
    return controlPlane;
  };
  before(async () => {
    controlPlane = await startControlPlane(scope, { flags });
  });
  after(() => scope.end());
  return {
    get controlPlane() {
      return running();
    },
    get admin() {
      return running().admin;
    },
  };
}

/** The admin token of a control plane. */
export async function adminToken({ dataDir }: ControlPlane): Promise<string> {
  return (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim();
}

/** Spelled here, apart from the product. */
export const root = '/apis/causeway/v1';

/** Path of a collection, or of an object in it, of a namespace. */
export function inNamespace(namespace: string, plural: string, name?: string): string {
  return `namespaces/${namespace}/${plural}${name === undefined ? '' : `/${name}`}`;
}

interface ShownProblem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly instance: string;
  readonly requestId: string;
  readonly errors: readonly {
    readonly document?: number;
    readonly resource?: string;
    readonly pointer: string;
    readonly code: string;
    readonly detail: string;
    readonly hint?: string;
  }[];
}

/** The problem document of an answer; fails unless it is one of that status and code, whole and consistent. */
export function problemOf(answer: Answer, status: number, code: string): ShownProblem {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const problem: ShownProblem = JSON.parse(answer.text);
  assert.equal(problem.code, code, answer.text);
  assert.equal(problem.status, status);
  assert.equal(problem.type, `urn:causeway:problem:${code}`);
  assert.equal(problem.requestId, answer.headers['x-request-id']);
  assert.ok(problem.title.length > 0 && problem.detail.length > 0 && problem.instance.startsWith('/'));
  assert.ok(Array.isArray(problem.errors));
  assert.doesNotMatch(answer.text, /node_modules|\.ts:\d+|at \S+ \(/, 'no stack leaves the process');
  return problem;
}

/** Revision and every object: what must not change when a request is refused. */
export async function stateOf(admin: AdminApi): Promise<unknown> {
  const lists = await Promise.all(
    ['routes', 'services', 'gateways', 'middlewares', 'secrets'].map((plural) =>
      admin.call('GET', `${plural}?limit=5000`),
    ),
  );
  return lists.map((answer) => answer.json());
}
