/** Tells clients about the version that they use, and when it goes away. */

import type { Filter, Refusal } from './filter.ts';

/** Times in milliseconds since 1970. */
export interface VersionSettings {
  readonly current: string;
  readonly deprecatedAtMs: number | undefined;
  readonly sunsetAtMs: number | undefined;
  readonly link: string | undefined;
}

/** The fields are the same for every response, those of refusals among them. */
export function createVersionFilter(
  name: string,
  settings: VersionSettings,
  wallMs: () => number = Date.now,
): Filter {
  const { current, deprecatedAtMs, sunsetAtMs, link } = settings;
  const fields = ['api-version', current];
  const relations: string[] = [];
  if (deprecatedAtMs !== undefined) {
    // RFC 9745 section 2.1: a date of structured fields.
    fields.push('deprecation', `@${Math.floor(deprecatedAtMs / 1000)}`);
    relations.push('deprecation');
  }
  if (sunsetAtMs !== undefined) {
    fields.push('sunset', new Date(sunsetAtMs).toUTCString());
    relations.push('sunset');
  }
  if (link !== undefined) fields.push('link', `<${link}>; rel="${relations.join(' ')}"`);
  const names = new Set(['api-version', 'deprecation', 'sunset']);
  const refusal: Refusal = {
    kind: 'refusal',
    reason: 'gone',
    detail: `Version ${current} is not served any more.`,
  };
  return {
    kind: 'version',
    name,
    onRequestHead: () => (sunsetAtMs !== undefined && wallMs() >= sunsetAtMs ? refusal : undefined),
    onResponseHead: ({ responseFields }) => {
      removeAll(responseFields, names);
      responseFields.push(...fields);
      return undefined;
    },
  };
}

/** Of those an upstream may have its own idea; its links stay. */
function removeAll(fields: string[], names: ReadonlySet<string>): void {
  let to = 0;
  for (let at = 0; at < fields.length; at += 2) {
    if (names.has(fields[at]!.toLowerCase())) continue;
    fields[to] = fields[at]!;
    fields[to + 1] = fields[at + 1]!;
    to += 2;
  }
  fields.length = to;
}
