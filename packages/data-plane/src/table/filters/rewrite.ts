import type { RewriteSettings } from '@causeway/filters/rewrite';
import type { Rewrite } from '@causeway/proto/gen/causeway/snapshot/v1/snapshot_pb';
import { readTemplate } from '../read-template.ts';
import { readPathChange } from './path-change.ts';

export function readRewrite({ host, path, setQuery, removeQuery }: Rewrite): RewriteSettings {
  return {
    host: host === '' ? undefined : host,
    path: path && readPathChange(path),
    setQuery: setQuery.map(({ name, value }) => ({ name, value: readTemplate(value) })),
    removeQuery,
  };
}
