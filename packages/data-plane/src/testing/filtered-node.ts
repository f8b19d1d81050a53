/** A node whose only Route has one filter, which a test writes. */

import type { TestContext } from 'node:test';
import type { Filter } from '@causeway/filters/filter';

import type { NodeFixture } from './node-fixture.ts';
import type { Spoken } from './tunnel-ends.ts';
import { tunnelNode } from './tunnel-node.ts';

/** Written as a fault that never comes. */
const filterItem = { name: 'f', phase: 1, item: { case: 'faultInjection' as const, value: { percent: 0 } } };

/** A node whose Route has this filter. */
export async function filteredNode(
  context: TestContext,
  ports: readonly number[],
  hooks: Partial<Filter>,
  spoken: { clients?: Spoken; upstream?: Spoken } = {},
): Promise<NodeFixture> {
  const filter: Filter = { kind: 'test', name: 'f', ...hooks };
  return tunnelNode(context, ports, {
    ...spoken,
    route: { filters: [filterItem] },
    node: { buildFilter: () => filter },
  });
}
