/** What an active check asks, and what it takes for a good answer. */

export interface ActiveCheck {
  readonly type: 'http' | 'tcp' | 'grpc';
  /** Of `http`, as the three that follow: what is asked for. */
  readonly method: string;
  readonly path: string;
  /** Lower-case names. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Good ones. */
  readonly statuses: readonly StatusRange[];
  /** The first `bodyBytesMax` of the body contain it; undefined = any body will do. */
  readonly body: string | undefined;
  /** Also of `grpc`: the host that is asked for; undefined = the endpoint's address as its Service has it. */
  readonly host: string | undefined;
  /** Undefined = that of the endpoint. */
  readonly port: number | undefined;
  /** Of `grpc`; empty = the server as a whole. */
  readonly grpcService: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Results in a row that change what is known, after the first, which decides at once. */
  readonly unhealthyAfter: number;
  readonly healthyAfter: number;
}

/** Both ends included. */
export interface StatusRange {
  readonly first: number;
  readonly last: number;
}

/** So much of a body is looked at. */
export const bodyBytesMax = 4096;
