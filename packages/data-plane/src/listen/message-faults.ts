/** Faults of the codec as the recipe knows them. */

import type { FaultCode } from '@causeway/http1/fault';

import type { MessageFault } from '../proxy/exchange.ts';

export const messageFaults: Readonly<Record<FaultCode, MessageFault>> = {
  malformed: 'malformed',
  head_too_large: 'head_too_large',
  too_many_fields: 'head_too_large',
  target_too_long: 'uri_too_long',
  version_not_supported: 'version_not_supported',
  not_implemented: 'not_implemented',
  incomplete: 'incomplete',
};
