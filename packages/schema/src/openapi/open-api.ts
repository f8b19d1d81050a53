/** OpenAPI documents, 3.0 and 3.1, as what requests are judged by. */

import { RE2JS } from 're2js';
import { runAtOnce, type Steps } from '@causeway/runtime/work-slices';
import { JsonSchemas } from '../json-schema.ts';
import { SchemaFault } from '../schema-fault.ts';
import type { RequestParts } from '../request-parts.ts';
import type { HeadJudgement, RequestRules } from '../request-rules.ts';
import { Operation } from './operation.ts';
import { at, isObject, type Located } from '../located.ts';
import { resolved } from '../references.ts';
import { tellingFirst } from '../telling-first.ts';
import { withDiscriminators } from './discriminators.ts';
import { requestSchemas } from './request-schemas.ts';

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;

/** A path of the document. */
interface Path {
  readonly template: string;
  readonly pattern: RE2JS | undefined;
  readonly names: readonly string[];
  readonly item: Located;
  /** By method in upper case; made when they are first asked for. */
  readonly operations: Map<string, Operation>;
}

/** What answers for a request. */
interface FoundOperation {
  readonly operation: Operation;
  readonly captures: ReadonlyMap<string, string>;
}

export class OpenApi implements RequestRules {
  readonly #root: object;
  readonly #schemas: JsonSchemas;
  /** By number of segments, the most literal first. */
  readonly #paths = new Map<number, Path[]>();
  /** Paths of the servers, without a slash at the end. */
  readonly #bases: readonly string[];

  /** Throws SchemaFault with a pointer into the document. */
  constructor(document: unknown, { root, isOld, servers } = runAtOnce(readDocument(document))) {
    this.#root = root;
    this.#schemas = new JsonSchemas(root, isOld);
    this.#bases = basesOf(servers);
    const paths = at({ value: this.#root, pointer: '' }, 'paths');
    for (const template of Object.keys(paths.value ?? {})) {
      if (template.startsWith('x-')) continue;
      const path = readPath(template, resolved(this.#root, at(paths, template)));
      const segments = template.split('/').length;
      this.#paths.set(segments, [...(this.#paths.get(segments) ?? []), path]);
    }
    for (const [segments, each] of this.#paths) this.#paths.set(segments, each.toSorted(moreLiteral));
  }

  /** As the constructor, which a large document holds up. */
  static *read(document: unknown): Steps<OpenApi> {
    return new OpenApi(document, yield* readDocument(document));
  }

  /** Compiles all of it. Throws SchemaFault. */
  *check(): Steps<void> {
    // First, so that a fault is told where it stands, and not where it is referred to.
    const shared = at(at({ value: this.#root, pointer: '' }, 'components'), 'schemas');
    if (isObject(shared.value))
      for (const name of Object.keys(shared.value)) this.#schemas.at(at(shared, name));
    yield* this.#schemas.check();
    yield* this.#readOperations();
    yield* this.#schemas.check();
  }

  /** Compiles what requests are judged by; else the first of them wait for it. */
  *compile(): Steps<void> {
    yield* this.#readOperations();
    yield* this.#schemas.compile();
  }

  *#readOperations(): Steps<void> {
    for (const path of [...this.#paths.values()].flat())
      for (const method of methods) {
        this.#operation(path, method.toUpperCase());
        yield;
      }
  }

  judge(request: RequestParts): HeadJudgement {
    const found = this.#find(request.method, request.path);
    if (typeof found === 'object') return found.operation.judge(request, found.captures);
    const detail =
      found === 'noPath' ? 'is none of the document' : 'is one that the document has no such method for';
    return { findings: [{ in: 'path', pointer: '', detail }], body: undefined };
  }

  /** `path` is canonical, with its escapes. */
  #find(method: string, path: string): FoundOperation | 'noPath' | 'noMethod' {
    let isKnown = false;
    for (const base of this.#bases) {
      if (!path.startsWith(base) || (base !== '' && path.length > base.length && path[base.length] !== '/'))
        continue;
      const rest = path.slice(base.length) || '/';
      for (const candidate of this.#paths.get(rest.split('/').length) ?? []) {
        const captures = capturesOf(candidate, rest);
        if (captures === undefined) continue;
        isKnown = true;
        // HEAD asks what GET would answer (RFC 9110 section 9.3.2).
        const operation =
          this.#operation(candidate, method) ??
          (method === 'HEAD' ? this.#operation(candidate, 'GET') : undefined);
        if (operation !== undefined) return { operation, captures };
      }
    }
    return isKnown ? 'noMethod' : 'noPath';
  }

  #operation(path: Path, method: string): Operation | undefined {
    const made = path.operations.get(method);
    if (made !== undefined) return made;
    const lower = method.toLowerCase();
    if (!methods.some((each) => each === lower)) return undefined;
    const described = at(path.item, lower);
    if (!isObject(described.value)) return undefined;
    const operation = new Operation(this.#root, path.item, described, this.#schemas);
    path.operations.set(method, operation);
    return operation;
  }
}

interface ReadDocument {
  /** Its schemas are such as requests are judged by. */
  readonly root: object;
  readonly isOld: boolean;
  readonly servers: unknown;
}

function* readDocument(document: unknown): Steps<ReadDocument> {
  if (!isObject(document)) throw new SchemaFault('an OpenAPI document is a mapping');
  const { openapi, servers } = document;
  if (typeof openapi !== 'string' || !/^3\.[01]\./.test(openapi))
    throw new SchemaFault('needs openapi: 3.0.x or 3.1.x', '/openapi');
  const isOld = openapi.startsWith('3.0');
  const isWithoutPaths =
    !isOld && document['paths'] === undefined && ['webhooks', 'components'].some((part) => part in document);
  if (!isObject(document['paths']) && !isWithoutPaths)
    throw new SchemaFault('needs paths: a mapping', '/paths');
  const root = yield* tellingFirst(yield* requestSchemas(yield* withDiscriminators(document, isOld), isOld));
  return { root, isOld, servers };
}

/** Of `servers`, whose hosts are the business of Routes. */
function basesOf(servers: unknown): string[] {
  const urls = (Array.isArray(servers) ? servers : []).flatMap((server: unknown): string[] => {
    if (!isObject(server) || typeof server['url'] !== 'string') return [];
    const variables = isObject(server['variables']) ? server['variables'] : {};
    return [
      server['url'].replaceAll(/\{([^{}]*)\}/g, (_all, name: string) => {
        const variable = Object.hasOwn(variables, name) ? variables[name] : undefined;
        return isObject(variable) && typeof variable['default'] === 'string' ? variable['default'] : '';
      }),
    ];
  });
  const bases = urls.map((url) => {
    const path = URL.parse(url, 'http://host/')?.pathname ?? '/';
    return path.replace(/\/+$/, '');
  });
  return bases.length === 0 ? [''] : [...new Set(bases)];
}

function readPath(template: string, item: Located): Path {
  if (!template.startsWith('/')) throw new SchemaFault('a path begins with a slash', item.pointer);
  const names: string[] = [];
  let pattern = '';
  for (const [index, part] of template.split(/\{([^{}/]+)\}/).entries()) {
    if (index % 2 === 1) {
      names.push(part);
      pattern += '([^/]+)';
    } else pattern += RE2JS.quote(literal(part));
  }
  return {
    template,
    names,
    pattern: names.length === 0 ? undefined : RE2JS.compile(`^${pattern}$`),
    item,
    operations: new Map(),
  };
}

/** As canonical paths spell it. */
function literal(text: string): string {
  return encodeURI(text.toWellFormed()).replaceAll(
    /%25([0-9a-f]{2})/gi,
    (_all, hex: string) => `%${hex.toUpperCase()}`,
  );
}

function moreLiteral(a: Path, b: Path): number {
  const rank = ({ template }: Path): string =>
    template
      .split('/')
      .map((segment) => (segment.includes('{') ? '1' : '0'))
      .join('');
  return rank(a) < rank(b) ? -1 : rank(a) > rank(b) ? 1 : 0;
}

function capturesOf(
  { template, pattern, names }: Path,
  path: string,
): ReadonlyMap<string, string> | undefined {
  if (pattern === undefined) return literal(template) === path ? new Map() : undefined;
  const matcher = pattern.matcher(path);
  if (!matcher.matches()) return undefined;
  return new Map(names.map((name, index) => [name, matcher.group(index + 1) ?? '']));
}
