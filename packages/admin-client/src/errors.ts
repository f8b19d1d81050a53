import type { ProblemDocument } from '@causeway/model/api-types';

/** An answer of the admin API that is not a success. `message` is the problem's `detail`; it never holds the token. */
export class AdminApiError extends Error {
  override readonly name = 'AdminApiError';
  readonly status: number;
  readonly problem: ProblemDocument;

  constructor(problem: ProblemDocument) {
    super(problem.detail);
    this.status = problem.status;
    this.problem = problem;
  }
}

/** No answer came: nothing listens there, the connection broke, or a time limit passed. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  readonly server: string;
  readonly context: string | undefined;

  constructor(server: string, context: string | undefined, reason: string, cause: unknown) {
    const named = context === undefined ? '' : ` (context ${context})`;
    super(`cannot reach the control plane at ${server}${named}: ${reason}`, { cause });
    this.server = server;
    this.context = context;
  }
}

/** What went wrong with a connection, in words, from the error that undici threw. */
export function reasonOf(error: unknown): string {
  for (let inner: unknown = error; inner instanceof Error; inner = inner.cause) {
    const { code } = inner as { code?: unknown };
    const known = typeof code === 'string' ? reasons[code] : undefined;
    if (known !== undefined) return known;
    if (inner.name === 'TimeoutError') return 'no answer in time';
    const [first] = inner instanceof AggregateError ? (inner.errors as unknown[]) : [];
    if (first !== undefined) return reasonOf(first);
  }
  return error instanceof Error ? error.message : String(error);
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name could not be resolved now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'connecting took too long',
  UND_ERR_CONNECT_TIMEOUT: 'connecting took too long',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer stopped',
  UND_ERR_SOCKET: 'the connection was closed',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is of an unknown authority',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
  EPROTO: 'it does not speak TLS',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
};
