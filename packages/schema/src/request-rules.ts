import type { BodyRule } from './body-rule.ts';
import type { RequestFinding, RequestParts } from './request-parts.ts';

/** What requests have to be like. */
export interface RequestRules {
  judge(request: RequestParts): HeadJudgement;
}

export interface HeadJudgement {
  /** What is wrong with the head, or with there being a body or none. */
  readonly findings: readonly RequestFinding[];
  /** By which the body is judged; undefined: it need not be read. */
  readonly body: BodyRule | undefined;
}

/** Methods whose requests may go without a body where the rules speak of one (RFC 9110 section 9.3). */
export const bodilessMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE']);
