import { name } from '@causeway/model/fields';
import type { Hello } from '@causeway/proto/gen/causeway/config/v1/config_pb';

/** What a node tells of itself is kept, shown and selected by, so it is bounded. */
const labelsMax = 64;
const labelLengthMax = 253;
const textLengthMax = 128;
const nodeIdPattern = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,126}[A-Za-z0-9])?$/;

/** What is wrong with a node's first message, as a sentence that the node logs; undefined when it is fine. */
export function helloComplaint({ nodeId, gateway, labels, version, instance }: Hello): string | undefined {
  if (!nodeIdPattern.test(nodeId))
    return 'Hello needs a node id of at most 128 letters, digits, "-", "_" and "."';
  if (!name.safeParse(gateway).success) return 'Hello needs the name of a Gateway';
  const texts = Object.entries(labels);
  if (texts.length > labelsMax) return `Hello has more than ${labelsMax} labels`;
  if (texts.flat().some((text) => text.length > labelLengthMax))
    return `Hello has a label of more than ${labelLengthMax} characters`;
  if ([version, instance].some((text) => text.length > textLengthMax))
    return `Hello has a version or instance of more than ${textLengthMax} characters`;
  return undefined;
}
