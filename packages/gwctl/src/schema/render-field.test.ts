import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { documentSchema } from '@causeway/model/json-schema';
import { kindNamed } from '@causeway/model/kinds/registry';
import { findField } from './find-field.ts';
import { renderField } from './render-field.ts';

const schema = documentSchema(kindNamed('Route')!);

function explained(path: string): string {
  return renderField('Route', findField('Route', schema, path.split('.')));
}

describe('explain', () => {
  it('steps through lists and maps', () => {
    assert.match(explained('spec.matches.headers.name'), /^FIELD: {4}name <string>$/m);
    assert.match(explained('metadata.labels'), /^FIELD: {4}labels <map\[string\]string>$/m);
    assert.match(explained('metadata.labels.team'), /^FIELD: {4}team <string>$/m);
  });

  it('names alternatives, beside other fields too', () => {
    assert.match(explained('spec.matches.path'), /path <object>, exactly one of$/m);
    assert.match(
      explained('spec.matches.headers'),
      /headers <\[\]object>, exactly one of exact, prefix, regex, present$/m,
    );
  });

  it('tells defaults, limits, values and what is required', () => {
    assert.match(explained('spec.timeouts.idle'), /<duration>\nDEFAULT: {2}60s\n/);
    assert.match(explained('spec.priority'), /LIMITS: {3}at least -1000, at most 1000/);
    assert.match(explained('spec.allowEncoded'), /VALUES: {3}slash, backslash, /);
    assert.match(explained('spec.backends'), /service +<string> .*\(required\)/);
  });

  it('refuses a field that is not there, with the one that was meant', () => {
    assert.throws(
      () => explained('spec.hostnames'),
      /route\.spec has no field "hostnames" \(did you mean "hosts"\?\)/,
    );
    assert.throws(() => explained('spec.priority.x'), /route\.spec\.priority has no field "x"/);
  });
});
