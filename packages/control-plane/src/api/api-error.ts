import type { ApiProblem, ProblemDocument, ProblemDocumentCode } from '@causeway/model/api-types';

/** Every error that a client of the admin API can see: status and title by code. The one place where they are. */
const answers: Readonly<Record<ProblemDocumentCode, { status: number; title: string }>> = {
  malformed: { status: 400, title: 'Malformed' },
  invalid: { status: 422, title: 'Invalid' },
  unauthenticated: { status: 401, title: 'Unauthenticated' },
  forbidden: { status: 403, title: 'Forbidden' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  too_large: { status: 413, title: 'Too large' },
  conflict: { status: 409, title: 'Conflict' },
  already_exists: { status: 409, title: 'Already exists' },
  referenced: { status: 409, title: 'Referenced' },
  mass_deletion: { status: 409, title: 'Mass deletion' },
  precondition_failed: { status: 412, title: 'Precondition failed' },
  expired: { status: 410, title: 'Expired' },
  rejected_by_nodes: { status: 409, title: 'Rejected by nodes' },
  rate_limited: { status: 429, title: 'Too many requests' },
  storage_full: { status: 507, title: 'Storage full' },
  not_ready: { status: 503, title: 'Not ready' },
  internal: { status: 500, title: 'Internal error' },
};

/** Problems of one answer that are listed; `detail` gives the true count. */
const problemsMax = 1000;

/** Ends a request with a problem document. Thrown by handlers, turned into an answer in one place. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ProblemDocumentCode;
  readonly errors: readonly ApiProblem[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemDocumentCode,
    detail: string,
    options: { errors?: readonly ApiProblem[]; headers?: Readonly<Record<string, string>> } = {},
  ) {
    super(detail);
    this.code = code;
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return answers[this.code].status;
  }

  /** RFC 9457. */
  document(instance: string, requestId: string): ProblemDocument {
    const { status, title } = answers[this.code];
    const type = `urn:causeway:problem:${this.code}`;
    return {
      type,
      title,
      status,
      code: this.code,
      detail: this.message,
      instance,
      requestId,
      errors: this.errors.slice(0, problemsMax),
    };
  }
}

/** A 400 about one place in the request. */
export function malformed(detail: string, pointer?: string, hint?: string): ApiError {
  const problem = {
    code: 'bad_format' as const,
    pointer: pointer ?? '',
    detail,
    ...(hint === undefined ? {} : { hint }),
  };
  return new ApiError('malformed', hint === undefined ? detail : `${detail} (${hint})`, {
    errors: pointer === undefined ? [] : [problem],
  });
}
