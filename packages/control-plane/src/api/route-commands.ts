/** What the nodes that have a Route are told about it, all at once. */

import type { NodePurge, PurgeAnswers } from '@causeway/model/api-types';
import { object, say } from '@causeway/model/fields';
import { qualifiedName, resourceKey } from '@causeway/model/resource';
import { mediaTypes, objectBytesMax } from '@causeway/model/rest';
import { validateShape, withoutNulls } from '@causeway/model/validate-document';
import type { Request } from 'express';
import { z } from 'zod';
import { cutOffNodesWith, nodesWith } from '../status/nodes-with.ts';
import { type Answer, queryParameters } from './answer.ts';
import { ApiError } from './api-error.ts';
import { type ApiContext, currentEntry } from './context.ts';
import { askNode } from './node-commands.ts';
import { parseObject } from './parse-documents.ts';
import { readBody } from './read-body.ts';
import { refusal } from './refusal.ts';

/** A node looks through all that it keeps, in between its traffic. */
const deadlineMs = 10_000;

const notConnected = 'the node is not connected, and keeps what it has';

const place = (description: string) =>
  z
    .string({ error: () => say('wrong_type', 'not a URL or a path') })
    .max(8192)
    .regex(/^(?:https?:\/\/[^/?#]+(?:\/[^#]*)?|\/[^#]*)$/i, {
      error: () => say('bad_format', 'not a URL or a path', 'write https://host/path or /path'),
    })
    .optional()
    .describe(description);

/** Body of `POST .../purgeCache`. */
export const purgeBody = object({
  url: place('What is stored of this URL; of a path: on every host. Without a query: whatever the query.'),
  prefix: place('What is stored of all paths that begin with these segments.').refine(
    (prefix) => prefix?.includes('?') !== true,
    {
      error: () =>
        say('bad_format', 'a prefix has no query', 'write the path alone, or url in place of prefix'),
    },
  ),
}).superRefine(({ url, prefix }, context) => {
  if (url === undefined || prefix === undefined) return;
  const message = say('not_allowed_here', 'url stands there already', 'write one of them');
  context.addIssue({ code: 'custom', path: ['prefix'], message });
});

/** Takes what is stored of a Route out of the caches of all nodes that have it. Those that cannot be told are named too. */
export async function purgeCache(
  context: ApiContext,
  request: Request,
  namespace: string,
  name: string,
): Promise<Answer> {
  queryParameters(request, []);
  const entry = currentEntry(context, resourceKey({ kind: 'Route', namespace, name }));
  if (!entry) throw new ApiError('not_found', `route/${namespace}/${name} does not exist`);
  const { text } = await readBody(request, [mediaTypes.json], objectBytesMax);
  const { value, problems } = validateShape(
    purgeBody,
    withoutNulls(await parseObject(text, mediaTypes.json)),
  );
  if (problems) throw refusal({ refused: 'invalid', problems }, {});
  const args = { ...value, route: qualifiedName(namespace, name) };
  const answers = nodesWith(entry, context.index, context.nodes).map(async ({ id }): Promise<NodePurge> => {
    try {
      const { purged } = await askNode<{ purged: number }>(context, id, 'purge-cache', args, deadlineMs);
      return { node: id, purged, error: null };
    } catch (error) {
      return { node: id, purged: 0, error: error instanceof Error ? error.message : String(error) };
    }
  });
  const cutOff = cutOffNodesWith(entry, context.index, context.nodes).map(
    ({ id }): NodePurge => ({ node: id, purged: 0, error: notConnected }),
  );
  const body: PurgeAnswers = { nodes: [...(await Promise.all(answers)), ...cutOff] };
  return { status: 200, body };
}
