import type { VersionSettings } from '@causeway/filters/version';
import type { Version } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';

export function readVersion({ current, deprecatedAtMs, sunsetAtMs, link }: Version): VersionSettings {
  return {
    current,
    deprecatedAtMs: deprecatedAtMs === undefined ? undefined : Number(deprecatedAtMs),
    sunsetAtMs: sunsetAtMs === undefined ? undefined : Number(sunsetAtMs),
    link: link === '' ? undefined : link,
  };
}
