/**
 * `discriminator` (OpenAPI 3.1 section 4.8.25): a member of an object says by which schema it is judged. It is rewritten in keywords of
 * JSON Schema, which knows no such thing.
 *
 * A schema of the components that discriminates becomes two: itself, without the choice, which is what its kinds are made of, and one
 * that chooses, which is what all others refer to.
 */

import type { Steps } from '@causeway/runtime/work-slices';
import { type Discriminated, discriminatedKeyword } from '../discriminated.ts';
import { at, isObject, type Located, slicedLevels } from '../located.ts';
import { setMember } from '../read-value.ts';
import { dataKeys, mapKeys, referred } from '../references.ts';
import { SchemaFault } from '../schema-fault.ts';
import { shapeOf } from '../shape.ts';

/** One of the schemas among which is chosen. */
interface Kind {
  readonly schema: Located;
  /** Where it refers to; undefined: it stands there itself. */
  readonly target: Located | undefined;
  /** What stands in its `const` or `enum`; undefined: it has none. */
  readonly own: ReadonlySet<string> | undefined;
  /** Pointers of what it is made of. */
  readonly ancestors: ReadonlySet<string>;
  readonly values: Set<string>;
}

interface Choice {
  readonly propertyName: string;
  readonly kinds: readonly Kind[];
  /** Schemas of what is no object; undefined: the schema itself says what it may be. */
  readonly others: readonly Located[] | undefined;
}

/** A schema of the components that chooses. */
interface Chooser {
  readonly choice: Choice;
  /** What others refer to. */
  readonly reference: string;
  /** Pointers of the schemas that are made of it: its kinds, and those between. */
  readonly heirs: ReadonlySet<string>;
}

/** A copy of the document; `isOld`: of OpenAPI 3.0. Throws SchemaFault for a mapping to nothing. */
export function* withDiscriminators(root: object, isOld: boolean): Steps<object> {
  return yield* new Rewriting(root, isOld).result();
}

class Rewriting {
  readonly #root: object;
  readonly #isOld: boolean;
  readonly #components: readonly Located[];
  /** By pointer. */
  readonly #choosers = new Map<string, Chooser>();
  /** By the pointer of a schema of the components, what it is made of. */
  readonly #ancestors: ReadonlyMap<string, ReadonlySet<string>>;

  constructor(root: object, isOld: boolean) {
    this.#root = root;
    this.#isOld = isOld;
    const schemas = at(at({ value: root, pointer: '' }, 'components'), 'schemas');
    this.#components = isObject(schemas.value)
      ? Object.keys(schemas.value).map((name) => at(schemas, name))
      : [];
    this.#ancestors = new Map(this.#components.map((each) => [each.pointer, this.#ancestorsOf(each)]));
    for (const component of this.#components) {
      const choice = this.#choiceOf(component);
      if (choice === undefined) continue;
      const heirs = choice.kinds.flatMap(({ target }) =>
        target === undefined ? [] : [target.pointer, ...(this.#ancestors.get(target.pointer) ?? [])],
      );
      this.#choosers.set(component.pointer, {
        choice,
        reference: referenceTo(chooserPointer(component.pointer)),
        heirs: new Set(heirs),
      });
    }
  }

  *result(): Steps<object> {
    const made = (yield* this.#sliced({ value: this.#root, pointer: '' }, false, slicedLevels)) as Record<
      string,
      never
    >;
    for (const [pointer, { choice }] of this.#choosers) {
      const parts = [...this.#partsOf(choice, pointer), { $ref: referenceTo(pointer) }];
      setMember(made['components']!['schemas'], lastOf(chooserPointer(pointer)), { allOf: parts });
    }
    return made;
  }

  *#sliced(here: Located, isMap: boolean, levels: number): Steps<unknown> {
    if (levels === 0 || !isObject(here.value)) {
      yield;
      return this.#copy(here, isMap);
    }
    const made: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(here.value)) {
      const isData = !isMap && dataKeys.has(key);
      const isInnerMap = !isMap && mapKeys.has(key);
      setMember(made, key, isData ? inner : yield* this.#sliced(at(here, key), isInnerMap, levels - 1));
    }
    return made;
  }

  /** `heir`: the schema of the components that is made of this one. */
  #copy(here: Located, isMap = false, heir?: string): unknown {
    const { value, pointer } = here;
    if (Array.isArray(value))
      return value.map((_, index) => this.#copy(at(here, String(index)), false, heir));
    if (!isObject(value)) return value;
    const chooser = this.#choosers.get(pointer);
    const choice = isMap ? undefined : (chooser?.choice ?? this.#choiceOf(here));
    const own = this.#ancestors.has(pointer) ? pointer : heir;
    const made: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      if (choice?.others !== undefined && isRewritten(key, value)) continue;
      const isData = !isMap && dataKeys.has(key);
      const isPart = !isMap && key === 'allOf';
      setMember(
        made,
        key,
        isData ? inner : this.#copy(at(here, key), !isMap && mapKeys.has(key), isPart ? own : undefined),
      );
    }
    if (isMap) return made;
    this.#refer(made, here, own);
    if (choice !== undefined && chooser === undefined)
      made['allOf'] = [...(Array.isArray(made['allOf']) ? made['allOf'] : []), ...this.#partsOf(choice)];
    return made;
  }

  /** Has a reference lead to the schema that chooses, but for those of the schemas among which it does. */
  #refer(made: Record<string, unknown>, here: Located, heir: string | undefined): void {
    const chooser = this.#choosers.get(this.#target(here)?.pointer ?? '');
    if (chooser === undefined || (heir !== undefined && chooser.heirs.has(heir))) return;
    delete made['$dynamicRef'];
    made['$ref'] = chooser.reference;
  }

  /** `pointer`: of the schema of the components that chooses. */
  #partsOf({ propertyName, kinds, others }: Choice, pointer?: string): unknown[] {
    const known: Discriminated = { propertyName, known: kinds.flatMap(({ values }) => [...values]) };
    const parts: unknown[] = [{ [discriminatedKeyword]: known }];
    if (others !== undefined)
      parts.unshift({ anyOf: [{ type: 'object' }, ...others.map((each) => this.#copy(each))] });
    for (const { schema, target, values } of kinds) {
      const properties = {};
      setMember(properties, propertyName, { enum: [...values] });
      const isDecided = target !== undefined && this.#isDecidedBy(target, propertyName, pointer);
      const part = { if: { type: 'object', required: [propertyName], properties } };
      setMember(part, 'then', isDecided ? { $ref: referenceTo(target.pointer) } : this.#copy(schema));
      parts.push(part);
    }
    return parts;
  }

  /** Whether that schema has nothing left to choose: it is the one that chooses, or would ask the same member for its heirs. */
  #isDecidedBy(target: Located, propertyName: string, pointer: string | undefined): boolean {
    const choice = this.#choosers.get(target.pointer)?.choice;
    return (
      target.pointer === pointer ||
      (choice !== undefined && choice.others === undefined && choice.propertyName === propertyName)
    );
  }

  /** Undefined where nothing chooses, or where it cannot be told between what. */
  #choiceOf(schema: Located): Choice | undefined {
    const { value } = schema;
    if (!isObject(value)) return undefined;
    const discriminator = at(schema, 'discriminator');
    const propertyName = at(discriminator, 'propertyName').value;
    if (typeof propertyName !== 'string') return undefined;
    const key = choiceKey(value);
    const mapping = this.#mappingOf(at(discriminator, 'mapping'), key === undefined);
    const alternatives =
      key === undefined
        ? this.#heirsOf(schema, mapping)
        : (value[key] as unknown[]).map((_, index) => at(at(schema, key), String(index)));
    const kinds: Kind[] = [];
    const others: Located[] =
      this.#isOld && value['nullable'] === true ? [{ value: { type: 'null' }, pointer: '' }] : [];
    for (const alternative of alternatives) {
      if (!this.#mayBeObject(alternative)) {
        others.push(alternative);
        continue;
      }
      const target = this.#target(alternative);
      const own = this.#ownValues(alternative, propertyName);
      if (target === undefined && own === undefined) return undefined;
      const ancestors = this.#ancestors.get(target?.pointer ?? '') ?? new Set();
      kinds.push({ schema: alternative, target, own, ancestors, values: new Set() });
    }
    if (kinds.length === 0) return undefined;
    assignValues(kinds, mapping);
    return {
      propertyName,
      kinds: kinds.filter(({ values }) => values.size > 0),
      others: key === undefined ? undefined : others,
    };
  }

  /** By value, where it leads. `isOnly`: nothing else says what there is to choose. */
  #mappingOf(mapping: Located, isOnly: boolean): ReadonlyMap<string, Located> {
    const found = new Map<string, Located>();
    if (!isObject(mapping.value)) return found;
    for (const [key, name] of Object.entries(mapping.value)) {
      if (typeof name !== 'string') continue;
      const component = this.#components.find(({ pointer }) => lastOf(pointer) === name);
      const target = component ?? this.#target({ value: { $ref: name }, pointer: '' });
      if (target !== undefined) found.set(key, target);
      else if (isOnly)
        throw new SchemaFault('a mapping to nothing in the document', at(mapping, key).pointer);
    }
    return found;
  }

  /** References to the schemas that are made of this one, to those of its mapping, and to itself; none where there are no others. */
  #heirsOf({ pointer }: Located, mapping: ReadonlyMap<string, Located>): Located[] {
    if (!this.#ancestors.has(pointer)) return [];
    const heirs = this.#components.filter((each) => this.#ancestors.get(each.pointer)?.has(pointer) === true);
    const pointers = new Set([...heirs, ...mapping.values()].map((each) => each.pointer));
    if (pointers.size === 0) return [];
    return [...pointers.add(pointer)].map((each) => ({ value: { $ref: referenceTo(each) }, pointer: '' }));
  }

  /** Pointers of the schemas of the components that `allOf` makes it of. */
  #ancestorsOf(component: Located): ReadonlySet<string> {
    const found = new Set<string>();
    const waiting = [component];
    for (let here = waiting.pop(); here !== undefined; here = waiting.pop()) {
      const parts = at(here, 'allOf');
      const list = Array.isArray(parts.value) ? parts.value : [];
      for (const part of list.map((_, index) => at(parts, String(index)))) {
        const target = this.#target(part);
        if (target !== undefined && found.has(target.pointer)) continue;
        if (target !== undefined) found.add(target.pointer);
        waiting.push(target ?? part);
      }
    }
    return found;
  }

  /** Texts to which `const` or `enum` hold that member. */
  #ownValues(schema: Located, propertyName: string): ReadonlySet<string> | undefined {
    let allowed: ReadonlySet<string> | undefined;
    for (const part of this.#partsAndSelf(schema)) {
      const member = at(at(part, 'properties'), propertyName);
      for (const { value } of this.#partsAndSelf(member)) {
        if (!isObject(value)) continue;
        const values = 'const' in value ? [value['const']] : value['enum'];
        if (!Array.isArray(values)) continue;
        const texts = new Set(values.filter((each): each is string => typeof each === 'string'));
        allowed = allowed?.intersection(texts) ?? texts;
      }
    }
    return allowed;
  }

  /** The schema, and those that hold for all of its values. */
  #partsAndSelf(schema: Located): Located[] {
    const found = new Map<string, Located>();
    const waiting = [schema];
    for (let here = waiting.pop(); here !== undefined; here = waiting.pop()) {
      if (found.has(here.pointer)) continue;
      found.set(here.pointer, here);
      const target = this.#target(here);
      if (target !== undefined) waiting.push(target);
      const parts = at(here, 'allOf');
      if (Array.isArray(parts.value))
        waiting.push(...parts.value.map((_, index) => at(parts, String(index))));
    }
    return [...found.values()];
  }

  #mayBeObject(schema: Located): boolean {
    try {
      const { types } = shapeOf(this.#root, schema);
      return types.size === 0 || types.has('object');
    } catch {
      return true;
    }
  }

  /** What cannot be followed is told by who compiles it. */
  #target(schema: Located): Located | undefined {
    try {
      return referred(this.#root, schema);
    } catch {
      return undefined;
    }
  }
}

/** Values that stand in the mapping; that only one of them allows, whatever those allow that it is made of; or the name of one. */
function assignValues(kinds: readonly Kind[], mapping: ReadonlyMap<string, Located>): void {
  const taken = new Set<string>();
  for (const [value, { pointer }] of mapping) {
    const kind = kinds.find(({ target }) => target?.pointer === pointer);
    kind?.values.add(value);
    taken.add(value);
  }
  for (const kind of kinds)
    for (const value of kind.own ?? [])
      if (!taken.has(value) && !kinds.some((other) => other !== kind && isRival(other, kind, value)))
        kind.values.add(value);
  for (const { values } of kinds) for (const value of values) taken.add(value);
  for (const { own, target, values } of kinds) {
    const name = target === undefined ? undefined : lastOf(target.pointer);
    if (name !== undefined && !taken.has(name) && own?.has(name) !== false) values.add(name);
  }
}

function isRival({ own, target }: Kind, kind: Kind, value: string): boolean {
  if (own?.has(value) !== true) return false;
  return !kind.ancestors.has(target?.pointer ?? '') || own.size === kind.own?.size;
}

/** Whether that stands in `partsOf` instead. */
function isRewritten(key: string, schema: Record<string, unknown>): boolean {
  return key === choiceKey(schema) || (key === 'nullable' && !('type' in schema));
}

function choiceKey(schema: Record<string, unknown>): 'oneOf' | 'anyOf' | undefined {
  return (['oneOf', 'anyOf'] as const).find((key) => Array.isArray(schema[key]));
}

/** Of the schema that chooses. No component has such a name (OpenAPI 3.1 section 4.8.7). */
function chooserPointer(pointer: string): string {
  return `${pointer}|kinds`;
}

function referenceTo(pointer: string): string {
  return `#${encodeURI(pointer).replaceAll('#', '%23')}`;
}

function lastOf(pointer: string): string {
  return pointer
    .slice(pointer.lastIndexOf('/') + 1)
    .replaceAll('~1', '/')
    .replaceAll('~0', '~');
}
