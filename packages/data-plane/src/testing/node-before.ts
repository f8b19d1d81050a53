/** A node in front of one upstream. */

import type { TestContext } from 'node:test';
import type { Compiled } from '@causeway/proto/compiled';

import {
  endpoints,
  type NodeFixture,
  routeItem,
  type Serve,
  serviceItem,
  startNode,
  startUpstream,
} from './node-fixture.ts';

/** A node whose only Route leads to `listener`. */
export async function before(
  context: TestContext,
  listener: Serve,
  items: readonly Compiled[] = [],
): Promise<NodeFixture> {
  const { port } = await startUpstream(context, listener);
  return nodeBefore(context, port, items);
}

export async function nodeBefore(
  context: TestContext,
  port: number,
  items: readonly Compiled[] = [],
): Promise<NodeFixture> {
  return startNode(context, {
    items: [routeItem('r', '/'), serviceItem('r'), ...items],
    endpoints: [endpoints('r', [port])],
  });
}
