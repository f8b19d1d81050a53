/** A node whose only Route tries again. */

import type { TestContext } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  CompiledRouteSchema,
  CompiledServiceSchema,
  RetrySchema,
} from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

import { endpoints, type NodeFixture, routeItem, serviceItem, startNode } from './node-fixture.ts';

type RetryInit = MessageInitShape<typeof RetrySchema>;

/** Everything that can be tried again, at once. */
export const eagerRetry: RetryInit = {
  attempts: 1,
  connectFailure: true,
  reset: true,
  timeout: true,
  statuses: [{ first: 503, last: 503 }],
  grpcCodes: [14],
  methods: ['GET', 'HEAD', 'PUT'],
  backoffMs: 1,
  maxBackoffMs: 1,
  bodyBytesMax: 65_536n,
};

export interface RetryingOptions {
  readonly retry?: RetryInit;
  readonly route?: MessageInitShape<typeof CompiledRouteSchema>;
  readonly service?: MessageInitShape<typeof CompiledServiceSchema>;
}

/** `ports`: of its endpoints, in the order in which they are tried. */
export async function retryingNode(
  context: TestContext,
  ports: readonly number[],
  { retry, route, service }: RetryingOptions = {},
): Promise<NodeFixture> {
  const all = { ...eagerRetry, ...retry } as RetryInit;
  return startNode(context, {
    items: [routeItem('r', '/', { ...route, retry: all } as object), serviceItem('r', service)],
    endpoints: [endpoints('r', ports)],
  });
}

/** A whole response of HTTP/1.1. */
export function answerText(status: number, body: string, lines = ''): string {
  return `HTTP/1.1 ${status} X\r\n${lines}Content-Length: ${body.length}\r\n\r\n${body}`;
}
