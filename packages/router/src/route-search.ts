// One request's walk through the buckets of its host, best path first.

import type { CompiledRule } from './compiled-rule.ts';
import type { HostBucket, PathNode, RuleList } from './host-bucket.ts';
import type { RequestView } from './request-view.ts';
import { sharedGet } from './shared-map.ts';

export class RouteSearch<T> {
  readonly #view: RequestView;
  readonly #path: string;
  /** Rules that took host and path, but not the method; their predicates are asked only when nothing was found. */
  #otherMethods: CompiledRule<T>[] | undefined;

  constructor(view: RequestView) {
    this.#view = view;
    this.#path = view.request.path;
  }

  findIn(bucket: HostBucket<T>): CompiledRule<T> | undefined {
    if (bucket.exact !== undefined) {
      const found = this.#firstOf(sharedGet(bucket.exact, this.#path), true);
      if (found !== undefined) return found;
    }
    if (bucket.root !== undefined) {
      const found = this.#descend(bucket.root, 0);
      if (found !== undefined) return found;
    }
    return this.#firstOf(bucket.regex, true);
  }

  /** The methods of rules that would have taken the request with one of them; each once, unsorted. */
  allowedMethods(): string[] {
    const allowed = new Set<string>();
    for (const rule of this.#otherMethods ?? []) {
      if (this.#view.failedCheck(rule.checks) !== undefined) continue;
      for (const method of rule.methods) allowed.add(method);
    }
    return [...allowed];
  }

  /** `slash` is the position of the slash before the next segment, or the length of the path after the last one. */
  #descend(node: PathNode<T>, slash: number): CompiledRule<T> | undefined {
    const path = this.#path;
    if (slash === path.length) {
      return this.#firstOf(node.here, false) ?? this.#firstOf(node.onward, false);
    }
    if (node.literals !== undefined || node.param !== undefined) {
      const next = path.indexOf('/', slash + 1);
      const end = next === -1 ? path.length : next;
      const literal = sharedGet(node.literals, path.slice(slash + 1, end));
      const found = literal === undefined ? undefined : this.#descend(literal, end);
      if (found !== undefined) return found;
      if (node.param !== undefined && end > slash + 1) {
        const taken = this.#descend(node.param, end);
        if (taken !== undefined) return taken;
      }
    }
    return this.#firstOf(node.onward, true);
  }

  #firstOf(list: RuleList<T> | undefined, hasSlash: boolean): CompiledRule<T> | undefined {
    if (list === undefined) return undefined;
    for (const rule of list.rules) {
      if (rule.needsSlash && !hasSlash) continue;
      if (rule.pathRegex !== undefined && !rule.pathRegex.testExact(this.#path)) continue;
      if (!this.#view.takesMethod(rule.methods)) {
        (this.#otherMethods ??= []).push(rule);
      } else if (this.#view.failedCheck(rule.checks) === undefined) {
        return rule;
      }
    }
    return undefined;
  }
}
