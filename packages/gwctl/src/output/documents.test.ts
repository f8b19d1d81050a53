import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { listDocument, renderDocument } from './documents.ts';

describe('documents', () => {
  const hostile = { a: 'x\u001b[31m\u009b', b: 'y\u202ez', c: 'two\nlines', d: 'plain' };

  it('hold no character that a terminal acts on, and read back as they were', () => {
    const acting = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/;
    const json = renderDocument(hostile, 'json');
    assert.doesNotMatch(json, acting);
    assert.deepEqual(JSON.parse(json), hostile);
    const yaml = renderDocument(hostile, 'yaml');
    assert.doesNotMatch(yaml, acting);
    assert.deepEqual(parse(yaml), hostile);
  });

  it('quote what YAML 1.1 reads as a time, a number or a boolean', () => {
    const value = { time: '2026-11-11T09:30:00Z', version: '41', answer: 'no', empty: '' };
    assert.equal(
      renderDocument(value, 'yaml'),
      'time: "2026-11-11T09:30:00Z"\nversion: "41"\nanswer: "no"\nempty: ""',
    );
  });

  it('of several objects are a List that can be applied', () => {
    assert.deepEqual(listDocument([1]), { apiVersion: 'causeway/v1', kind: 'List', items: [1] });
  });
});
