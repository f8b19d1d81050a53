/** Which binding of which method a request is for. */

import type { HttpBinding, MethodShape } from '@causeway/proto/gen/causeway/snapshot/v1/descriptors_pb';

import { TranscodingFault } from './fault.ts';
import { type PathTemplate, parsePathTemplate, percentDecode } from './path-template.ts';
import { type FieldType, type MessageType, Type, type Types } from './types.ts';

/** A method as one of its bindings has it. */
export interface BoundMethod {
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly shape: MethodShape;
  readonly input: MessageType;
  readonly output: MessageType;
  readonly binding: HttpBinding;
  readonly template: PathTemplate;
  /** Of the variables of the template, in its order: from the outermost field. */
  readonly variables: readonly (readonly FieldType[])[];
  /** All of the message, or a field of it, is the body. */
  readonly body: FieldType | '*' | undefined;
  readonly responseBody: FieldType | undefined;
}

export interface BoundRequest {
  readonly method: BoundMethod;
  /** Texts of the variables, decoded. */
  readonly captures: readonly string[];
}

interface Node {
  readonly literals: Map<string, Node>;
  any: Node | undefined;
  /** By verb and method of what ends here, and of what goes on with `**`. */
  readonly ends: Map<string, Binding>;
  readonly rests: Map<string, Binding>;
}

/** Of a method, with what is known of it once a request or anybody else asks: a large set has many that nobody calls. */
class Binding {
  readonly path: string;
  readonly #bind: () => BoundMethod;
  #bound: BoundMethod | undefined;
  #problem: string | undefined;

  constructor(path: string, run: () => BoundMethod) {
    this.path = path;
    this.#bind = run;
  }

  /** Undefined: it is not bound rightly. */
  get bound(): BoundMethod | undefined {
    if (this.#bound !== undefined || this.#problem !== undefined) return this.#bound;
    try {
      this.#bound = this.#bind();
    } catch (error) {
      if (!(error instanceof TranscodingFault)) throw error;
      this.#problem = `${this.path}: ${error.message}`;
    }
    return this.#bound;
  }

  get problems(): readonly string[] {
    return this.bound === undefined ? [this.#problem!] : [];
  }
}

/** Binds what is bound rightly; what is not is told, for a set may come from elsewhere. */
export class MethodRouter {
  readonly #bindings: Binding[] = [];
  readonly #problems: string[] = [];
  readonly #root = emptyNode();
  /** Of all bindings. */
  readonly #methods = new Set<string>();

  /** `services`: full names; empty = all. */
  constructor(types: Types, services: readonly string[] = []) {
    for (const service of types.services) {
      if (services.length > 0 && !services.includes(service.name)) continue;
      for (const shape of service.methods)
        for (const binding of shape.bindings)
          this.#add(types, `/${service.name}/${shape.name}`, shape, binding);
    }
  }

  /** Looks at every binding. */
  get problems(): readonly string[] {
    return [...this.#problems, ...this.#bindings.flatMap(({ problems }) => problems)];
  }

  /** `path` as it stands in the request, without its query. Throws a `TranscodingFault` where a variable is no UTF-8. */
  find(verb: string, path: string): BoundRequest | undefined {
    const segments = path === '/' ? [] : path.slice(1).split('/');
    const last = segments.at(-1) ?? '';
    const colon = last.lastIndexOf(':');
    // A colon may begin a verb or be a part of the segment.
    const method =
      (colon >= 0 &&
        search(this.#root, [...segments.slice(0, -1), last.slice(0, colon)], 0, last.slice(colon), verb)) ||
      search(this.#root, segments, 0, '', verb);
    if (!method) return undefined;
    return { method, captures: capture(method.template, path) };
  }

  /** Methods of HTTP that something is bound to at this path. */
  methodsAt(path: string): string[] {
    return [...this.#methods].filter((method) => {
      try {
        return this.find(method, path) !== undefined;
      } catch {
        return true;
      }
    });
  }

  /** What a request that nothing is bound to may have meant. */
  nearest(path: string): BoundMethod | undefined {
    const way = [this.#root];
    for (const segment of path.slice(1).split('/')) {
      const next = way[0]!.literals.get(segment) ?? way[0]!.any;
      if (next === undefined) break;
      way.unshift(next);
    }
    for (const node of way) {
      const bound = firstOf(node);
      if (bound !== undefined) return bound;
    }
    return undefined;
  }

  #add(types: Types, path: string, shape: MethodShape, binding: HttpBinding): void {
    try {
      const template = parsePathTemplate(binding.template);
      const { segments, verb } = template;
      this.#methods.add(binding.method);
      let node = this.#root;
      for (const segment of segments) {
        if (segment === '**') break;
        if (segment === '*') node = node.any ??= emptyNode();
        else {
          const next = node.literals.get(segment.literal) ?? emptyNode();
          node.literals.set(segment.literal, next);
          node = next;
        }
      }
      const ends = segments.at(-1) === '**' ? node.rests : node.ends;
      const key = `${binding.method} ${verb === '' ? '' : `:${verb}`}`;
      const before = ends.get(key);
      if (before === undefined) {
        const added = new Binding(path, () => bind(types, path, shape, binding, template));
        ends.set(key, added);
        this.#bindings.push(added);
      } else
        this.#problems.push(
          `${path}: ${binding.method} ${binding.template} is bound to ${before.path} already`,
        );
    } catch (error) {
      if (!(error instanceof TranscodingFault)) throw error;
      this.#problems.push(`${path}: ${error.message}`);
    }
  }
}

function emptyNode(): Node {
  return { literals: new Map(), any: undefined, ends: new Map(), rests: new Map() };
}

/** Literals go before `*`, and `*` before `**`. Visits each node at most once. */
function search(
  node: Node,
  segments: readonly string[],
  at: number,
  verb: string,
  method: string,
): BoundMethod | undefined {
  const endOf = (ends: ReadonlyMap<string, Binding>): BoundMethod | undefined =>
    ends.get(`${method} ${verb}`)?.bound ?? ends.get(`* ${verb}`)?.bound;
  if (at === segments.length) return endOf(node.ends) ?? endOf(node.rests);
  const segment = segments[at]!;
  const literal = node.literals.get(decoded(segment));
  return (
    (literal && search(literal, segments, at + 1, verb, method)) ??
    (node.any && segment !== '' ? search(node.any, segments, at + 1, verb, method) : undefined) ??
    endOf(node.rests)
  );
}

/** As literals are compared. */
function decoded(segment: string): string {
  try {
    return percentDecode(segment);
  } catch {
    return segment;
  }
}

function capture({ segments, variables, verb }: PathTemplate, path: string): string[] {
  const bare = verb === '' ? path : path.slice(0, path.lastIndexOf(':'));
  const parts = bare === '/' ? [] : bare.slice(1).split('/');
  return variables.map(({ fieldPath, start, end, isMulti }) => {
    const text = parts.slice(start, segments[end - 1] === '**' ? undefined : end).join('/');
    try {
      return percentDecode(text, isMulti);
    } catch (error) {
      if (error instanceof TranscodingFault) error.pointer = fieldPath.join('.');
      throw error;
    }
  });
}

function firstOf(node: Node): BoundMethod | undefined {
  for (const { bound } of [...node.ends.values(), ...node.rests.values()])
    if (bound !== undefined) return bound;
  for (const next of [...node.literals.values(), ...(node.any === undefined ? [] : [node.any])]) {
    const bound = firstOf(next);
    if (bound !== undefined) return bound;
  }
  return undefined;
}

function bind(
  types: Types,
  path: string,
  shape: MethodShape,
  binding: HttpBinding,
  template: PathTemplate,
): BoundMethod {
  const [input, output] = [types.messageAt(shape.input), types.messageAt(shape.output)];
  return {
    path,
    shape,
    input,
    output,
    binding,
    template,
    variables: template.variables.map(({ fieldPath }) => variableFields(input, fieldPath)),
    body: binding.body === '*' ? '*' : fieldNamed(input, binding.body, 'body'),
    responseBody: fieldNamed(output, binding.responseBody, 'response_body'),
  };
}

function fieldNamed(type: MessageType, name: string, what: string): FieldType | undefined {
  if (name === '') return undefined;
  const field = type.byName.get(name);
  if (field === undefined) throw new TranscodingFault(`${what} ${name} is no field of ${type.name}`);
  return field;
}

/** Each but the last is a message, and the last has one value that a text can say. */
function variableFields(type: MessageType, names: readonly string[]): readonly FieldType[] {
  const fields = fieldsOfPath(type, names);
  const last = fields?.at(-1);
  if (fields === undefined || last === undefined || last.isList || !isTextual(last))
    throw new TranscodingFault(`${names.join('.')} is no field of ${type.name} that a path can hold`);
  return fields;
}

/** Undefined: there is no such field, or one on the way is no single message. */
export function fieldsOfPath(type: MessageType, names: readonly string[]): readonly FieldType[] | undefined {
  const fields: FieldType[] = [];
  let message: MessageType | undefined = type;
  for (const name of names) {
    const field: FieldType | undefined = message?.byName.get(name);
    if (field === undefined) return undefined;
    fields.push(field);
    const isSingleMessage: boolean =
      field.type === Type.MESSAGE && !field.isList && field.entry === undefined;
    message = isSingleMessage ? field.message : undefined;
  }
  return fields;
}

/** Has values that a parameter can say. */
export function isTextual(field: FieldType): boolean {
  if (field.entry !== undefined || field.type === Type.GROUP) return false;
  if (field.type !== Type.MESSAGE) return true;
  const { wellKnown } = field.message;
  return wellKnown !== undefined && ['Timestamp', 'Duration', 'FieldMask', 'Wrapper'].includes(wellKnown);
}
