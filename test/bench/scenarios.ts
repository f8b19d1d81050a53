// What proxies are asked to carry: each question names the unit that its cost is counted in.

const mebibyte = 2 ** 20;

export interface Scenario {
  readonly name: string;
  readonly path: string;
  /** At once; begun in a second where each is fresh: a rate that all keep, so that each has the same to do. */
  readonly connections: number;
  /** Bytes of the request's body; 0 = GET. */
  readonly uploadBytes: number;
  /** One request carries one unit: a request, or a MiB. */
  readonly unit: 'request' | 'MiB' | 'handshake';
  /** By https, on connections that are kept, or that each carry one request and begin with a full handshake; undefined: by http. */
  readonly tls?: 'kept' | 'fresh';
  /** Requests under way on each connection: more than one needs HTTP/2. */
  readonly streams?: number;
}

/** Bytes of a small response. */
export const smallBytes = 160;

/** Bytes of a large response. */
export const largeBytes = mebibyte;

export const scenarios: readonly Scenario[] = [
  { name: 'small', path: '/', connections: 64, uploadBytes: 0, unit: 'request' },
  { name: 'small-tls', path: '/', connections: 64, uploadBytes: 0, unit: 'request', tls: 'kept' },
  { name: 'handshakes', path: '/', connections: 400, uploadBytes: 0, unit: 'handshake', tls: 'fresh' },
  { name: 'small-h2', path: '/', connections: 10, streams: 10, uploadBytes: 0, unit: 'request' },
  { name: 'download', path: '/large', connections: 16, uploadBytes: 0, unit: 'MiB' },
  { name: 'upload', path: '/upload', connections: 16, uploadBytes: mebibyte, unit: 'MiB' },
];
