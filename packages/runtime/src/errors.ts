/** The base of operating failures: what went wrong on a bad day, in terms that every border can translate. */

export interface GatewayErrorDetails {
  /** Stable, lower snake case; part of the public contract once shown to anyone. */
  readonly code: string;
  /** What went wrong, where, and how to mend it. Must hold no secret: it reaches clients and logs. */
  readonly message: string;
  /** HTTP status for the border that speaks HTTP, 400 to 599. */
  readonly httpStatus: number;
  /** gRPC status code, 1 to 16 (https://grpc.io/docs/guides/status-codes/). */
  readonly grpcStatus: number;
  /** True when the same call may succeed later without anybody changing anything. Default false. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

/** Each plane keeps one table of these; nothing but a border turns them into a response. */
export class GatewayError extends Error {
  override readonly name: string = 'GatewayError';
  readonly code: string;
  readonly httpStatus: number;
  readonly grpcStatus: number;
  readonly retryable: boolean;

  constructor(details: GatewayErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.httpStatus = details.httpStatus;
    this.grpcStatus = details.grpcStatus;
    this.retryable = details.retryable ?? false;
  }
}

/** The system's code of an error (`ENOENT`, `EADDRINUSE`), undefined when it carries none. */
export function systemCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** What to print of something that was thrown, which need not be an Error. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return 'something that no text stands for';
  }
}
