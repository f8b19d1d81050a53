import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApiProblem } from '@causeway/model/api-types';
import { type ManifestDocument, parseManifestFile } from './manifest-file.ts';

const shop = `# shop
kind: Service
metadata: {name: orders}
---
kind: Route
metadata:
  name: orders
spec:
  hosts: [api.example.com]
  match:
    - path: {prefix: /orders}
  backends:
    - service: order
      weight: 5
  timeouts: {request: 10}
  empty:
`;

function at(document: ManifestDocument, pointer: string, code: ApiProblem['code']): string {
  const { line, column } = document.position({ pointer, code });
  return `${line}:${column}`;
}

describe('positions', () => {
  const [service, route] = parseManifestFile('shop.yaml', shop).documents as [
    ManifestDocument,
    ManifestDocument,
  ];

  it('count lines in the file', () => {
    assert.deepEqual([service.line, route.line], [2, 5]);
  });

  it('are the key of an unknown or misplaced field', () => {
    assert.equal(at(route, '/spec/match', 'unknown_field'), '10:3');
    assert.equal(at(route, '/spec/backends/0/weight', 'not_allowed_here'), '14:7');
  });

  it('are the value of a bad one', () => {
    assert.equal(at(route, '/spec/backends/0/service', 'unknown_reference'), '13:16');
    assert.equal(at(route, '/spec/timeouts/request', 'bad_format'), '15:23');
    assert.equal(at(route, '/spec/hosts/0', 'bad_format'), '9:11');
    assert.equal(at(route, '/spec/backends/0', 'wrong_type'), '13:7');
  });

  it('are the nearest thing around what is missing', () => {
    assert.equal(at(route, '/spec/timeouts/idle', 'missing'), '15:3');
    assert.equal(at(service, '/spec/endpoints', 'missing'), '2:1');
    assert.equal(at(route, '/metadata/labels/team', 'missing'), '6:1');
    assert.equal(at(route, '/spec/backends/3/service', 'missing'), '12:3');
    assert.equal(at(route, '', 'missing'), '5:1');
  });

  it('are those of the alias target', () => {
    const text = 'a: &x\n  port: 1\nb: *x\n';
    const [document] = parseManifestFile('a.yaml', text).documents;
    assert.equal(at(document!, '/b/port', 'out_of_range'), '2:9');
  });

  it('look keys with slashes and tildes up by their pointers', () => {
    const [document] = parseManifestFile('a.yaml', 'labels:\n  a/b~c: 1\n').documents;
    assert.equal(at(document!, '/labels/a~1b~0c', 'wrong_type'), '2:10');
  });
});

describe('files', () => {
  it('may be JSON, with Windows line ends, and begin with a byte order mark', () => {
    const [document] = parseManifestFile(
      'a.json',
      '\ufeff{\r\n  "kind": "Route",\r\n\t"spec": {"a": 1}\r\n}',
    ).documents;
    assert.deepEqual(document!.value, { kind: 'Route', spec: { a: 1 } });
    assert.equal(at(document!, '/spec/a', 'unknown_field'), '3:11');
  });

  it('may hold a List, whose items are the documents', () => {
    const { documents } = parseManifestFile('a.yaml', 'kind: List\nitems:\n  - {a: 1}\n  - {b: 2}\n');
    assert.deepEqual(
      documents.map(({ value, line }) => [value, line]),
      [
        [{ a: 1 }, 3],
        [{ b: 2 }, 4],
      ],
    );
    assert.equal(at(documents[1]!, '/b', 'unknown_field'), '4:6');
  });

  it('have no documents where they are empty', () => {
    assert.deepEqual(parseManifestFile('a.yaml', '# nothing\n---\n---\n').documents, []);
  });

  it('that are not YAML tell about every broken document', () => {
    const { problems } = parseManifestFile('a.yaml', 'a: 1\na: 2\n---\nb: [\n---\nc: "\n');
    assert.deepEqual(problems.map(({ line, column }) => `${line}:${column}`).slice(0, 1), ['2:1']);
    assert.equal(problems[0]!.detail, 'this key stands twice');
    assert.match(problems[1]!.detail, /^not YAML: /);
  });

  it('are refused where JSON would lose a number', () => {
    const { problems } = parseManifestFile('a.yaml', 'weight: .inf\n');
    assert.equal(problems[0]?.detail, 'Infinity has no form in JSON');
  });

  it('are refused when aliases make them large', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [name, before] of ['ba', 'cb', 'dc'])
      lines.push(`${name}: &${name} [${`*${before}, `.repeat(10)}]`);
    const { problems } = parseManifestFile('a.yaml', lines.join('\n'));
    assert.match(problems[0]?.detail ?? '', /alias/i);
  });
});
