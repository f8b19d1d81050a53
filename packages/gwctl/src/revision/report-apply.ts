import type { ApplyResult } from '@causeway/model/api-types';
import { shownKey } from '../object-key.ts';
import { counted } from '../output/counted.ts';
import { renderDocument } from '../output/documents.ts';
import { type Format, isForPrograms } from '../output/format.ts';
import type { Session } from '../session.ts';

/** Object lines and the revision line on stdout, warnings on stderr; or the one document that was asked for. */
export function reportApply(session: Session, result: ApplyResult, format: Format): void {
  const { io, namespace } = session;
  if (format === 'json' || format === 'yaml') io.out(renderDocument(result, format));
  for (const { resource, result: outcome } of format === 'json' || format === 'yaml' ? [] : result.objects) {
    const key = shownKey(resource, namespace);
    io.out(format === 'name' ? key : `${key} ${outcome}${result.dryRun ? ' (dry run)' : ''}`);
  }
  for (const warning of result.warnings) io.err(`warning: ${warning}`);
  if (result.dryRun || isForPrograms(format)) return;
  io.out(
    result.changed === 0
      ? `nothing to do, still revision ${result.revision}`
      : `revision ${result.revision} committed: ${counted(result.changed, 'object')}`,
  );
}
