/** What is stored of a Route belongs to it as it is: another Route, or other filters behind the cache, begin with nothing. */

import type { Filter, Onward } from '../filter.ts';
import type { TemplateVariable } from '../template.ts';

export interface KeySettings {
  /** Of the request, lower case. */
  readonly vary: readonly string[];
  /** Byte strings; undefined = the whole query. */
  readonly queryNames: ReadonlySet<string> | undefined;
}

/** All that makes an answer behind the cache. */
export interface Partition {
  readonly id: number;
  /** What filters behind the cache put into requests and answers, of what is not in every key. */
  readonly sources: readonly TemplateVariable[];
  /** Filters behind the cache may do with a request what they like: nothing is for all callers. */
  readonly isUnknown: boolean;
}

let lastId = 0;

/** Of one filter. */
export class Partitions {
  readonly #settings: KeySettings;
  /** By Route, as long as it does not change. */
  readonly #byRoute = new WeakMap<object, Partition & { onward: Onward }>();

  constructor(settings: KeySettings) {
    this.#settings = settings;
  }

  of(onward: Onward): Partition {
    const known = this.#byRoute.get(onward.route);
    if (known?.onward === onward) return known;
    if (known !== undefined && isSame(known.onward.filters, onward.filters)) {
      known.onward = onward;
      return known;
    }
    lastId += 1;
    const sources = onward.filters.flatMap((filter) =>
      filter.sources === 'any' ? [] : (filter.sources ?? []),
    );
    const partition = {
      id: lastId,
      sources: sources.filter((source) => !isKeyed(source, this.#settings)),
      isUnknown: onward.filters.some((filter) => filter.sources === 'any'),
      onward,
    };
    this.#byRoute.set(onward.route, partition);
    return partition;
  }
}

function isSame(one: readonly Filter[], other: readonly Filter[]): boolean {
  return one.length === other.length && one.every((filter, at) => filter === other[at]);
}

/** Whether a source is in every key anyhow, or stands for the request alone. */
function isKeyed({ source }: TemplateVariable, settings: KeySettings): boolean {
  switch (source) {
    case 'request.header.':
    case 'client.address':
    case 'claims.':
    case 'consumer.name':
      return false;
    case 'request.query.':
      return settings.queryNames === undefined;
    default:
      return true;
  }
}
