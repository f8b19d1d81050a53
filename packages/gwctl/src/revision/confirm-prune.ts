import type { ApplyBody, ApplyOptions } from '@causeway/admin-client/client';
import { Failure, usage } from '../failure.ts';
import { shownKey } from '../object-key.ts';
import { counted } from '../output/counted.ts';
import type { Session } from '../session.ts';

/** Asks before objects are deleted that no file names; where nobody can be asked, `--yes` is needed. */
export async function confirmPrune(session: Session, body: ApplyBody, options: ApplyOptions): Promise<void> {
  const { io, client, namespace } = session;
  const planned = await client.apply(body, { ...options, dryRun: true });
  const deleted = planned.objects.filter(({ result }) => result === 'deleted');
  if (deleted.length === 0) return;
  const names = deleted.map(({ resource }) => shownKey(resource, namespace)).join(', ');
  if (!io.canAsk) throw usage(`this deletes ${names}`, 'if that is meant, say --yes');
  const { confirm } = await import('@clack/prompts');
  const message = `Delete ${counted(deleted.length, 'object')} (${names})?`;
  const answer = await confirm({ message, initialValue: false, output: process.stderr });
  if (answer !== true) throw new Failure('nothing was applied');
}
