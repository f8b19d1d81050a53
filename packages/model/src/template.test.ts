import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parseTemplate, templateSources, templateVariablesMax } from './template.ts';

function partsOf(text: string): unknown {
  const parsed = parseTemplate(text);
  assert.ok('parts' in parsed, JSON.stringify(parsed));
  return parsed.parts;
}

function faultOf(text: string): { detail: string; hint?: string } {
  const parsed = parseTemplate(text);
  assert.ok('fault' in parsed, JSON.stringify(parsed));
  return parsed.fault;
}

describe('parseTemplate', () => {
  it('takes a text apart into literals and variables', () => {
    assert.deepEqual(partsOf(''), []);
    assert.deepEqual(partsOf('plain'), ['plain']);
    assert.deepEqual(partsOf('a${request.method}b'), ['a', { source: 'request.method', name: '' }, 'b']);
    assert.deepEqual(
      partsOf('${path.id}${request.header.X-Tenant}${request.query.a b}'.replace('a b', 'a-b')),
      [
        { source: 'path.', name: 'id' },
        { source: 'request.header.', name: 'x-tenant' },
        { source: 'request.query.', name: 'a-b' },
      ],
    );
  });

  it('takes every source', () => {
    for (const source of templateSources) {
      const name = source.endsWith('.') ? 'x' : '';
      assert.deepEqual(partsOf(`\${${source}${name}}`), [{ source, name }]);
    }
  });

  it('leaves a dollar alone that begins nothing, and takes $${ for a literal ${', () => {
    assert.deepEqual(partsOf('$5, $ {a} }{ $'), ['$5, $ {a} }{ $']);
    assert.deepEqual(partsOf('a $${request.path} b'), ['a ${request.path} b']);
    assert.deepEqual(partsOf('$$${request.path}'), ['$${request.path}']);
    assert.deepEqual(partsOf('${request.id}$${x}${request.id}'), [
      { source: 'request.id', name: '' },
      '${x}',
      { source: 'request.id', name: '' },
    ]);
  });

  it('names an unknown variable by its place, and the one that was meant', () => {
    assert.deepEqual(faultOf('path: ${request.pth}'), {
      detail: 'unknown variable "request.pth" at character 7',
      hint: 'did you mean "request.path"?',
    });
    assert.equal(faultOf('${request.headers.x-a}').hint, 'did you mean "request.header.NAME"?');
    assert.equal(faultOf('${param.id}').hint, 'did you mean "path.NAME"?');
    assert.match(faultOf('${}').hint ?? '', /^variables: request\.method, /);
    assert.match(faultOf('${request.header.a b}').detail, /at character 1$/);
    assert.match(faultOf('${path.a.b}').detail, /unknown variable "path\.a\.b"/);
  });

  it('refuses a variable that is not closed', () => {
    assert.deepEqual(faultOf('ab${request.path'), {
      detail: 'the "${" at character 3 has no "}"',
      hint: 'write "$${" for a literal "${"',
    });
  });

  it('bounds how many variables there are', () => {
    const many = (count: number): string => '${request.id}'.repeat(count);
    assert.equal((partsOf(many(templateVariablesMax)) as unknown[]).length, templateVariablesMax);
    assert.match(faultOf(many(templateVariablesMax + 1)).detail, /more than 64/);
  });

  it('gives a literal text back, however full of dollars and braces it is', () => {
    const text = fc.string({ unit: fc.constantFrom('$', '{', '}', 'a'), maxLength: 30 });
    fc.assert(
      fc.property(text, (literal) => {
        const written = literal.replaceAll('${', () => '$${');
        assert.equal((partsOf(written) as string[]).join(''), literal);
      }),
    );
  });
});
