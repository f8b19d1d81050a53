// The admin API as raw HTTP, so that tests see statuses, headers and bodies as a client that is not ours does.

import { readFile } from 'node:fs/promises';
import { request } from 'undici';
import { eventually } from './eventually.ts';
import { documents, type Resource } from './resources.ts';

/** Spelled here too, apart from the product, so that a test notices when the product moves it. */
const apiPath = '/apis/causeway/v1';

export interface Call {
  /** Sent as it is; an object is sent as JSON. */
  body?: string | Buffer | object;
  /** Default: `application/yaml` for a string, `application/json` for an object. */
  contentType?: string;
  headers?: Readonly<Record<string, string>>;
  /** Default: the token of the file. `null` sends none. */
  token?: string | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The body parsed as JSON. */
  json(): unknown;
  /** What is at a path in the JSON body, such as `field('metadata', 'resourceVersion')`; `undefined` when nothing is. */
  field(...path: readonly (string | number)[]): unknown;
}

export interface RevisionStatus {
  readonly revision: number;
  readonly state: string;
  readonly nodes: readonly { readonly node: string; readonly state: string; readonly applied: number }[];
}

export class AdminApi {
  readonly url: string;
  readonly #tokenFile: string;

  /** @param tokenFile read at every call, since the control plane makes it at its first start. */
  constructor(url: string, tokenFile: string) {
    this.url = url;
    this.#tokenFile = tokenFile;
  }

  /** @param path under `/apis/causeway/v1/`, or from the root when it begins with a slash. */
  async call(method: string, path: string, call: Call = {}): Promise<Answer> {
    const url = this.url + (path.startsWith('/') ? path : `${apiPath}/${path}`);
    const body =
      typeof call.body === 'object' && !Buffer.isBuffer(call.body) ? JSON.stringify(call.body) : call.body;
    const contentType = call.contentType ?? (body === call.body ? 'application/yaml' : 'application/json');
    const token = call.token === undefined ? (await readFile(this.#tokenFile, 'utf8')).trim() : call.token;
    const response = await request(url, {
      method,
      body: body ?? null,
      headers: {
        ...(body === undefined ? {} : { 'content-type': contentType }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...call.headers,
      },
      // One connection for each call: a kept one would break when a test restarts the control plane.
      reset: true,
    });
    const text = await response.body.text();
    return {
      status: response.statusCode,
      headers: response.headers,
      text,
      json: () => JSON.parse(text),
      field: (...steps) => steps.reduce<unknown>(at, JSON.parse(text)),
    };
  }

  /** Applies documents as one transaction and returns its revision. Throws unless the answer is 200. */
  async apply(resources: string | readonly Resource[]): Promise<number> {
    const body = typeof resources === 'string' ? resources : documents(resources);
    const answer = await this.call('POST', 'apply', { body });
    if (answer.status !== 200) throw new Error(`apply answered ${answer.status}: ${answer.text}`);
    return Number(answer.field('revision'));
  }

  /**
   * Waits until each of the nodes named holds `revision` or a later one. Throws at once when one of them has rejected it,
   * and after 10 s otherwise.
   */
  async waitUntilApplied(revision: number, nodes: readonly string[]): Promise<void> {
    const status = await eventually(() => this.revisionStatus(revision), {
      what: `revision ${revision} on nodes ${nodes.join(', ')}`,
      until: (now) =>
        nodes.some((node) => isRejected(now, node)) || nodes.every((node) => isApplied(now, node)),
    });
    const rejecting = nodes.filter((node) => isRejected(status, node));
    if (rejecting.length > 0) throw new Error(`revision ${revision} was rejected: ${JSON.stringify(status)}`);
  }

  async revisionStatus(revision: number): Promise<RevisionStatus> {
    const answer = await this.call('GET', `revisions/${revision}/status`);
    if (answer.status !== 200) throw new Error(`revision status answered ${answer.status}: ${answer.text}`);
    const status: RevisionStatus = JSON.parse(answer.text);
    return status;
  }
}

function at(value: unknown, key: string | number): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function isApplied({ revision, nodes }: RevisionStatus, name: string): boolean {
  return nodes.some(
    ({ node, state, applied }) => node === name && (state === 'applied' || applied >= revision),
  );
}

function isRejected({ nodes }: RevisionStatus, name: string): boolean {
  return nodes.some(({ node, state }) => node === name && state === 'rejected');
}
