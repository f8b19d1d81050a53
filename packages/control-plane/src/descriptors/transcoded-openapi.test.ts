import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkApiSpec } from '../validate/check-schemas.ts';
import { readFileSet, registryOf } from './descriptor-files.ts';
import { transcodedOpenApi } from './transcoded-openapi.ts';

const protos = fileURLToPath(new URL('../../../transcoding/src/testing/protos', import.meta.url));
const registry = registryOf(
  readFileSet(execFileSync('buf', ['build', protos, '--as-file-descriptor-set', '-o', '-'])),
);
const names = { preserveFieldNames: false, enumsAsNumbers: false };
const services = ['bookstore.v1.Bookstore'];
const document = transcodedOpenApi('bookstore', [{ registry, services, names }]);

it('is a document whose schemas compile', () => {
  assert.deepEqual(checkApiSpec({ document: document as unknown as Record<string, unknown> }), []);
});

it('has paths by the segments of their templates', () => {
  const paths = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item).map((verb) => `${verb} ${path}`),
  );
  for (const path of [
    'get /v1/shelves',
    'post /v1/shelves',
    'get /v1/shelves/{name}',
    'post /v1/shelves/{name}:archive',
    'get /v1/shelves/{shelf}/books/{book.id}',
    'patch /v1/shelves/{book.name.1}/books/{book.name.2}',
    'get /v1/files/{path}',
    'post /bookstore.v1.Bookstore/Unbound',
  ])
    assert.ok(paths.includes(path), `${path} in ${paths.join(', ')}`);
});

it('says what path, query and body have', () => {
  const update = document.paths['/v1/shelves/{book.name.1}/books/{book.name.2}']!['patch'] as {
    parameters: { name: string; in: string }[];
    requestBody: unknown;
  };
  assert.deepEqual(
    update.parameters.map((parameter) => `${parameter.in} ${parameter.name}`),
    ['path book.name.1', 'path book.name.2', 'query updateMask', 'query allowMissing'],
  );
  assert.deepEqual(update.requestBody, {
    content: { 'application/json': { schema: { $ref: '#/components/schemas/bookstore.v1.Book' } } },
  });
  const book = document.components.schemas['bookstore.v1.Book'] as { properties: Record<string, object> };
  assert.deepEqual(book.properties['id'], { type: 'string', format: 'int64', pattern: '^-?[0-9]{1,19}$' });
  assert.deepEqual(book.properties['genre'], { $ref: '#/components/schemas/bookstore.v1.Genre' });
  assert.deepEqual(book.properties['notes'], { type: 'object', additionalProperties: { type: 'string' } });
});

it('has streams as lines, bodies of bytes as they are, and forms that OpenAPI cannot say', () => {
  const contentOf = (path: string): string[] => {
    const { responses } = document.paths[path]!['get'] as { responses: { 200: { content: object } } };
    return Object.keys(responses[200].content);
  };
  assert.deepEqual(contentOf('/v1/shelves:watch'), ['application/x-ndjson', 'text/event-stream']);
  assert.deepEqual(contentOf('/v1/files/{path}'), ['*/*']);
  assert.deepEqual(
    document['x-causeway-methods']
      .filter(({ method }) => method.endsWith('/GetBook'))
      .map(({ http }) => http),
    ['GET /v1/shelves/{shelf}/books/{book.id}', 'GET /v1/books/{book.id}', 'PEEK /v1/books/{book.id}'],
  );
});

it('calls fields and enums as the filter does', () => {
  const other = transcodedOpenApi('bookstore', [
    { registry, services, names: { preserveFieldNames: true, enumsAsNumbers: true } },
  ]);
  const { properties } = other.components.schemas['bookstore.v1.ListShelvesResponse'] as {
    properties: object;
  };
  assert.deepEqual(Object.keys(properties), ['shelves']);
  assert.deepEqual(other.components.schemas['bookstore.v1.Genre'], { type: 'integer', enum: [0, 1, 2] });
  const list = other.paths['/v1/shelves']!['get'] as { parameters: { name: string }[] };
  assert.deepEqual(
    list.parameters.map(({ name }) => name),
    ['page_size', 'page_token'],
  );
});
