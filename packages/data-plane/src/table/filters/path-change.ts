import type { PathChangeSettings } from '@causeway/filters/path-change';
import type { PathChange } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { UnknownChoice } from '@causeway/proto/route-rules';
import { readTemplate } from '../read-template.ts';

export function readPathChange({ change }: PathChange): PathChangeSettings {
  switch (change.case) {
    case 'exact':
      return { kind: 'exact', path: change.value };
    case 'prefix':
      return { kind: 'prefix', path: change.value };
    case 'template':
      return { kind: 'template', parts: readTemplate(change.value) };
    case undefined:
      throw new UnknownChoice('a change of a path');
  }
}
