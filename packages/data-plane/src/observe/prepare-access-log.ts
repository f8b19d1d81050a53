/** The access log of a table that is about to go live. */

import { create } from '@bufbuild/protobuf';
import { type NodeProblem, NodeProblemSchema } from '@causeway/proto/gen/causeway/config/v1/config_pb';
import { messageOf } from '@causeway/runtime/errors';

import type { AccessLogSettings, GatewaySettings } from '../table/gateway-settings.ts';
import type { AccessLog, PreparedLog } from './access-log.ts';

/** Of a Gateway without an access log: no file is opened. */
const off: AccessLogSettings = {
  format: 'json',
  path: undefined,
  samplePercent: 100,
  redactHeaders: [],
  redactQuery: [],
};

/**
 * Opens what the Gateway's settings name, or gives the problem for which it cannot go live. A node that `serves` nothing yet
 * goes without its log rather than not at all. Undefined for a node that writes none.
 */
export async function prepareAccessLog(
  log: AccessLog | undefined,
  { name, accessLog, accessLogEnabled }: GatewaySettings,
  serves: boolean,
): Promise<PreparedLog | NodeProblem[] | undefined> {
  try {
    return await log?.prepare(accessLogEnabled ? accessLog : off, { required: serves });
  } catch (error) {
    const place = { resource: `gateway/${name}`, pointer: '/spec/accessLog/output' };
    return [create(NodeProblemSchema, { reason: 'output_failed', ...place, detail: messageOf(error) })];
  }
}
