// Short ways for tests to write a rule and a request.

import type { RouteRequest } from '../request-view.ts';
import type { Rule } from '../rule.ts';

/** A rule for everything but what is given; its value is its key. */
export function ruleOf(key: string, fields: Partial<Rule<string>> = {}): Rule<string> {
  return {
    key,
    index: 0,
    hosts: [],
    path: { prefix: '/' },
    methods: [],
    headers: [],
    query: [],
    cookies: [],
    priority: 0,
    allowEncoded: 0,
    value: key,
    ...fields,
  };
}

export interface RequestFields {
  readonly method?: string;
  readonly host?: string;
  readonly query?: string;
  readonly encoded?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** GET of a canonical path at a.example.com, but for what is given. */
export function requestOf(path: string, fields: RequestFields = {}): RouteRequest {
  const headers = new Map(Object.entries(fields.headers ?? {}));
  return {
    method: fields.method ?? 'GET',
    host: fields.host ?? 'a.example.com',
    path,
    query: fields.query,
    encoded: fields.encoded ?? 0,
    header: (name) => headers.get(name),
  };
}
