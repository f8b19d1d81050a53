/** The layout of `gwctl explain`: what a field is, what it means, what stands below it. */

import type { JsonSchema } from '@causeway/model/json-schema';
import { durationPattern, sizePattern } from '@causeway/model/quantity';
import { apiVersion } from '@causeway/model/resource';
import { renderTable } from '../output/table.ts';
import { elementOf, type FoundField, mapValue } from './find-field.ts';

export function renderField(kind: string, { name, schema }: FoundField): string {
  const element = elementOf(schema);
  const head = [`KIND:     ${kind}`, `VERSION:  ${apiVersion}`];
  const field =
    name === undefined ? [] : ['', `FIELD:    ${name} <${typeName(schema)}>${alternatives(element)}`];
  const facts = factLines(schema);
  const description = [
    schema.description ?? '',
    element === schema ? '' : (element.description ?? ''),
  ].filter((text) => text !== '');
  const fields = fieldRows(element);
  return [
    ...head,
    ...field,
    ...facts,
    ...(description.length === 0 ? [] : ['', 'DESCRIPTION:', ...description.map((text) => `  ${text}`)]),
    ...(fields.length === 0
      ? []
      : ['', 'FIELDS:', renderTable(['', '', ''], fields, { headers: false, indent: '  ' })]),
  ].join('\n');
}

/** `string`, `[]object`, `map[string]string`; quantities by their own name. */
function typeName(schema: JsonSchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeName).join(' or ');
  if (schema.items !== undefined) return `[]${typeName(schema.items)}`;
  const value = mapValue(schema);
  if (value !== undefined) return `map[string]${typeName(value)}`;
  if (schema['pattern'] === durationPattern.source) return 'duration';
  if (schema['pattern'] === sizePattern.source) return 'size';
  return schema.type ?? (schema.const === undefined ? 'any' : typeof schema.const);
}

/** Unions are spelled by their keys: `, exactly one of`, with the keys where others stand beside them. */
function alternatives(schema: JsonSchema): string {
  const keys = (schema.oneOf ?? []).flatMap(({ required }) => required ?? []);
  if (keys.length === 0) return '';
  const isAll = Object.keys(schema.properties ?? {}).every((name) => keys.includes(name));
  return `, exactly one of${isAll ? '' : ` ${keys.join(', ')}`}`;
}

function factLines(schema: JsonSchema): string[] {
  const bound = (word: string, value: unknown): string[] =>
    typeof value === 'number' && value !== 0 ? [`${word} ${value}`] : [];
  const bounds = [
    ...bound('at least', schema['minimum'] ?? schema['minItems']),
    ...bound('at most', schema['maximum'] ?? schema['maxItems']),
  ];
  const values = valuesOf(elementOf(schema));
  return [
    ...(isPlain(schema.default) ? [`DEFAULT:  ${defaultText(schema.default)}`] : []),
    ...(values.length > 0 ? [`VALUES:   ${values.join(', ')}`] : []),
    ...(bounds.length > 0 ? [`LIMITS:   ${bounds.join(', ')}`] : []),
  ];
}

function fieldRows(schema: JsonSchema): string[][] {
  const required = schema.required ?? [];
  return Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const values = valuesOf(elementOf(field));
    const notes = [
      ...(required.includes(name) ? ['required'] : []),
      ...(values.length > 1 ? [`one of ${values.join(', ')}`] : []),
      ...(isPlain(field.default) ? [`default ${defaultText(field.default)}`] : []),
      ...(field['readOnly'] === true ? ['set by the server'] : []),
    ];
    const text = field.description ?? elementOf(field).description ?? '';
    return [
      name,
      `<${typeName(field)}>`,
      [text, notes.length > 0 ? `(${notes.join('; ')})` : ''].join(' ').trim(),
    ];
  });
}

function valuesOf(schema: JsonSchema): string[] {
  return schema.const === undefined ? (schema.enum ?? []).map(String) : [JSON.stringify(schema.const)];
}

function defaultText(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}

/** Worth showing: the defaults of objects are those of their fields. */
function isPlain(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.every((entry) => typeof entry !== 'object');
  return value !== undefined && typeof value !== 'object';
}
