import { mediaTypes } from '@causeway/model/rest';
import type { Response } from 'express';
import type { NodeRegistry } from '../publish/node-registry.ts';
import { revisionStatus } from '../status/revision-status.ts';
import type { RevisionRecord } from '../store/store.ts';

/** Changes of nodes within this time make one line: a revision that a thousand nodes take is not a thousand lines. */
const gatherMs = 5;

/**
 * Streams the status of a revision as NDJSON: one line at once, one for each change, until no node is pending. Ends when
 * the client goes away; a client that does not read is not written to twice.
 */
export function watchRevision(record: RevisionRecord, nodes: NodeRegistry, response: Response): void {
  response.setHeader('content-type', mediaTypes.ndjson);
  response.status(200);
  let last = '';
  let timer: NodeJS.Timeout | undefined;
  const stopListening = nodes.onChange(() => {
    timer ??= setTimeout(tell, gatherMs);
  });
  const end = (): void => {
    stopListening();
    clearTimeout(timer);
  };
  function tell(): void {
    timer = undefined;
    if (response.writableNeedDrain) {
      timer = setTimeout(tell, gatherMs);
      return;
    }
    const status = revisionStatus(record.revision, record.committedAt, nodes);
    const line = `${JSON.stringify(status)}\n`;
    if (line !== last) response.write(line);
    last = line;
    if (status.counts.pending === 0) {
      end();
      response.end();
    }
  }
  response.on('close', end);
  tell();
}
