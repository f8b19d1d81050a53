/** Refuses requests that do not fit a schema. */

import type { BodyRule } from '@causeway/schema/body-rule';
import { InlineRules, type InlineSchemas } from '@causeway/schema/inline-rules';
import { findingsMax } from '@causeway/schema/json-schema';
import type { RequestFinding } from '@causeway/schema/request-parts';

import type { Filter, FilterExchange, Refusal, Verdict } from '../filter.ts';
import { isPlain } from '../json/exact-json.ts';

export interface ValidateSettings {
  /** Or the name of an ApiSpec, "namespace/name". */
  readonly rules: InlineSchemas | string;
  readonly bodyBytesMax: number;
}

export function createValidateFilter(name: string, { rules, bodyBytesMax }: ValidateSettings): Filter {
  const inline = typeof rules === 'string' ? undefined : new InlineRules(rules);
  return {
    kind: 'validate',
    name,
    onRequestHead: (exchange) => {
      const judges = inline ?? exchange.requestRules(rules as string);
      // The snapshot brings it with the Route.
      if (judges === undefined) return { kind: 'refusal', reason: 'internal' };
      const { findings, body } = judges.judge(exchange);
      if (findings.length > 0) return invalid(findings);
      return body === undefined ? undefined : judgeBody(exchange, body, bodyBytesMax);
    },
  };
}

async function judgeBody(exchange: FilterExchange, rule: BodyRule, bytesMax: number): Promise<Verdict> {
  const wrong = unreadable(exchange);
  if (wrong !== undefined) return invalid([wrong]);
  const body = await exchange.readRequestBody(bytesMax);
  if (body === 'tooLarge') return { kind: 'refusal', reason: 'payload_too_large' };
  if (body === 'noRoom') return { kind: 'refusal', reason: 'overloaded' };
  const findings = rule.judge(body);
  return findings.length > 0 ? invalid(findings) : undefined;
}

/** Whether the body is to be read otherwise than it is judged: as text in UTF-8. */
function unreadable(exchange: FilterExchange): RequestFinding | undefined {
  const wrong = (name: string, detail: string): RequestFinding => ({
    in: 'header',
    name,
    pointer: '',
    detail,
  });
  if (!isPlain(exchange.requestHeader('content-encoding')))
    return wrong('content-encoding', 'must not be there');
  const type = exchange.requestHeader('content-type') ?? '';
  const charsets = Array.from(
    type.matchAll(/;\s*charset\s*=\s*"?([^";\s]*)/gi),
    ([, charset = '']) => charset,
  );
  return charsets.every((charset) => /^(utf-?8|us-ascii)$/i.test(charset))
    ? undefined
    : wrong('content-type', 'must not name another charset than utf-8');
}

/** Says where and what, and never what the client sent: it may be a secret. */
function invalid(findings: readonly RequestFinding[]): Refusal {
  const [first] = findings;
  const more =
    findings.length > 1
      ? ` There ${findings.length === 2 ? 'is 1 more' : `are ${findings.length - 1} more`}.`
      : '';
  return {
    kind: 'refusal',
    reason: 'bad_request',
    detail: `The request does not fit the API: ${sentence(first!)}.${more}`,
    members: { errors: findings.slice(0, findingsMax) },
  };
}

function sentence({ in: place, name, pointer, detail }: RequestFinding): string {
  return `${[place, name, pointer].filter((part) => part !== undefined && part !== '').join(' ')} ${detail}`;
}
