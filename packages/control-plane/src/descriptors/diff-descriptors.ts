/** What becomes of callers when descriptors take the place of others. */

import type {
  DescEnum,
  DescField,
  DescMessage,
  DescMethod,
  DescService,
  FileRegistry,
} from '@bufbuild/protobuf';
import type { DescriptorChange } from '@causeway/model/api-types';
import { httpBindings } from '@causeway/transcoding/compile-types';

/** Changes that a difference lists. */
const changesMax = 1000;

/** Breaking ones first; of services, and of all messages and enums. */
export function diffDescriptors(before: FileRegistry, after: FileRegistry): DescriptorChange[] {
  const changes: DescriptorChange[] = [];
  const note = (breaking: boolean, subject: string, change: string): void => {
    changes.push({ breaking, subject, change });
  };
  const newer = typesOf(after);
  const older = typesOf(before);
  for (const [name, type] of older) {
    const now = newer.get(name);
    if (now?.kind !== type.kind) note(true, name, now ? `is a ${now.kind} now` : `${type.kind} removed`);
    else if (type.kind === 'service') diffService(type, now as DescService, note);
    else if (type.kind === 'message') diffMessage(type, now as DescMessage, note);
    else diffEnum(type, now as DescEnum, note);
  }
  for (const [name, { kind }] of newer) if (!older.has(name)) note(false, name, `${kind} added`);
  return changes
    .toSorted((a, b) => Number(b.breaking) - Number(a.breaking) || (a.subject < b.subject ? -1 : 1))
    .slice(0, changesMax);
}

type Note = (breaking: boolean, subject: string, change: string) => void;
type Type = DescService | DescMessage | DescEnum;

function typesOf(registry: FileRegistry): Map<string, Type> {
  const types = new Map<string, Type>();
  for (const type of registry) if (type.kind !== 'extension') types.set(type.typeName, type);
  return types;
}

function diffService(before: DescService, after: DescService, note: Note): void {
  const names = new Map(after.methods.map((method) => [method.name, method]));
  for (const method of before.methods) {
    const now = names.get(method.name);
    const subject = `${before.typeName}/${method.name}`;
    if (now === undefined) note(true, subject, 'method removed');
    else diffMethod(method, now, (change) => note(true, subject, change));
  }
  const known = new Set(before.methods.map(({ name }) => name));
  for (const { name } of after.methods)
    if (!known.has(name)) note(false, `${after.typeName}/${name}`, 'method added');
}

function diffMethod(before: DescMethod, after: DescMethod, breaks: (change: string) => void): void {
  const pairs: [what: string, was: string, is: string][] = [
    ['request', before.input.typeName, after.input.typeName],
    ['response', before.output.typeName, after.output.typeName],
    ['streaming', before.methodKind, after.methodKind],
  ];
  for (const [what, was, is] of pairs) if (was !== is) breaks(`${what} was ${was}, is ${is}`);
  const now = new Set(rulesOf(after));
  for (const rule of rulesOf(before)) if (!now.has(rule)) breaks(`no longer bound to ${rule}`);
}

/** A further rule breaks nobody. */
function rulesOf(method: DescMethod): string[] {
  return httpBindings(method).map(
    ({ method: verb, template, body, responseBody }) =>
      `${verb} ${template}${body === '' ? '' : ` (body ${body})`}${responseBody === '' ? '' : ` (response body ${responseBody})`}`,
  );
}

function diffMessage(before: DescMessage, after: DescMessage, note: Note): void {
  const numbers = new Map(after.fields.map((field) => [field.number, field]));
  const names = new Map(after.fields.map((field) => [field.name, field]));
  for (const field of before.fields) {
    const subject = `${before.typeName}.${field.name}`;
    const now = names.get(field.name);
    const other = numbers.get(field.number);
    if (now === undefined)
      note(true, subject, other ? `field renamed to ${other.name}` : `field removed, number ${field.number}`);
    else if (now.number !== field.number) note(true, subject, `number was ${field.number}, is ${now.number}`);
    if (now === undefined) continue;
    if (typeOf(now) !== typeOf(field)) note(true, subject, `type was ${typeOf(field)}, is ${typeOf(now)}`);
    if (now.jsonName !== field.jsonName)
      note(true, subject, `JSON name was ${field.jsonName}, is ${now.jsonName}`);
    if (now.oneof?.name !== field.oneof?.name)
      note(true, subject, `oneof was ${field.oneof?.name ?? 'none'}, is ${now.oneof?.name ?? 'none'}`);
  }
  const known = new Set(before.fields.map(({ name }) => name));
  const knownNumbers = new Set(before.fields.map(({ number }) => number));
  for (const field of after.fields)
    if (!known.has(field.name) && !knownNumbers.has(field.number))
      note(false, `${after.typeName}.${field.name}`, `field added, number ${field.number}`);
}

function typeOf(field: DescField): string {
  const value = field.message?.typeName ?? field.enum?.typeName ?? `scalar ${field.scalar}`;
  switch (field.fieldKind) {
    case 'list':
      return `repeated ${value}`;
    case 'map':
      return `map<scalar ${field.mapKey}, ${value}>`;
    default:
      return value;
  }
}

function diffEnum(before: DescEnum, after: DescEnum, note: Note): void {
  const names = new Map(after.values.map((value) => [value.name, value.number]));
  for (const { name, number } of before.values) {
    const now = names.get(name);
    const subject = `${before.typeName}.${name}`;
    if (now === undefined) note(true, subject, `value removed, number ${number}`);
    else if (now !== number) note(true, subject, `number was ${number}, is ${now}`);
  }
  const known = new Set(before.values.map(({ name }) => name));
  for (const { name, number } of after.values)
    if (!known.has(name)) note(false, `${after.typeName}.${name}`, `value added, number ${number}`);
}
