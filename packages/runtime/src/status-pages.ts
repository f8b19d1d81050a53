/** What every long-running process tells about itself over HTTP, as data: whoever has a server writes it out. */

import type { HealthChecks } from './health-checks.ts';
import type { MetricsText } from './metrics-text.ts';

export interface StatusPage {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface StatusPagesOptions {
  readonly version: string;
  readonly readiness: HealthChecks;
  /** Renders the metrics for the value of the request's Accept header. */
  readonly metrics: (accept: string | undefined) => Promise<MetricsText>;
}

export interface StatusRequest {
  /** Path and query as in the request line: `/readyz?verbose`. */
  readonly target: string;
  readonly accept?: string | undefined;
}

/** The page of the request, undefined when its path is none of `statusPaths`. For GET and HEAD only. */
export type StatusPages = (request: StatusRequest) => Promise<StatusPage | undefined>;

export const statusPaths = ['/livez', '/readyz', '/metrics', '/version'] as const;

const plainText = 'text/plain; charset=utf-8';

/**
 * `/livez`: 200 as long as the event loop turns. `/readyz`: 200 `ok`, or 503 with a line for every check; `?verbose`
 * gives the lines in both cases. `/metrics`: Prometheus text or OpenMetrics. `/version`: `{"version":...,"node":...}`.
 */
export function createStatusPages(options: StatusPagesOptions): StatusPages {
  return async ({ target, accept }) => {
    const [path, query = ''] = target.split('?', 2);
    switch (path) {
      case '/livez':
        return { status: 200, contentType: plainText, body: 'ok\n' };
      case '/readyz':
        return readinessPage(options.readiness, new URLSearchParams(query).has('verbose'));
      case '/metrics':
        return { status: 200, ...(await options.metrics(accept)) };
      case '/version':
        return { status: 200, contentType: 'application/json', body: versionBody(options.version) };
      default:
        return undefined;
    }
  };
}

function readinessPage(readiness: HealthChecks, verbose: boolean): StatusPage {
  const { ok, lines } = readiness.report();
  const status = ok ? 200 : 503;
  if (ok && !verbose) return { status, contentType: plainText, body: 'ok\n' };
  const body = [...lines, `readyz check ${ok ? 'passed' : 'failed'}`, ''].join('\n');
  return { status, contentType: plainText, body };
}

function versionBody(version: string): string {
  return `${JSON.stringify({ version, node: process.versions.node })}\n`;
}
