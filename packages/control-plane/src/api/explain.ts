import { ipAddress, list, line, method, name, object, say, shown } from '@causeway/model/fields';
import { mediaTypes, objectBytesMax } from '@causeway/model/rest';
import { validateShape, withoutNulls } from '@causeway/model/validate-document';
import type { Request } from 'express';
import { z } from 'zod';
import { explainRequest } from '../explain/explain-request.ts';
import type { RouteTables } from '../explain/route-tables.ts';
import { type Answer, queryParameters } from './answer.ts';
import { ApiError } from './api-error.ts';
import { type ApiContext, currentEntry } from './context.ts';
import { parseObject } from './parse-documents.ts';
import { readBody } from './read-body.ts';
import { refusal } from './refusal.ts';

const absoluteUrl = z
  .string({
    error: (issue) =>
      say(issue.input === undefined ? 'missing' : 'wrong_type', 'required: the URL of a request'),
  })
  .max(8192)
  .refine((text) => /^https?:\/\//i.test(text) && URL.canParse(text), {
    error: (issue) =>
      say('bad_format', `${shown(issue.input)} is not an http or https URL`, 'write http://host/path'),
  });

const header = z.tuple([line('a header name', 'Name.', 256), z.string().max(8192)], {
  error: (issue) => say('wrong_type', `${shown(issue.input)} is not [name, value]`),
});

/** Body of `POST .../explain`. */
export const explainBody = object({
  request: object({
    method,
    url: absoluteUrl,
    headers: list(header, { description: 'Pairs of name and value.', max: 100 }).default([]),
    clientAddress: ipAddress.optional(),
  }),
  gateway: name.default('default'),
});

export async function explain(context: ApiContext, tables: RouteTables, request: Request): Promise<Answer> {
  queryParameters(request, []);
  const { text } = await readBody(request, [mediaTypes.json], objectBytesMax);
  const { value, problems } = validateShape(
    explainBody,
    withoutNulls(await parseObject(text, mediaTypes.json)),
  );
  if (problems) throw refusal({ refused: 'invalid', problems }, {});
  const gateway = currentEntry(context, `gateway/${value.gateway}`);
  if (!gateway) throw new ApiError('not_found', `gateway/${value.gateway} does not exist`);
  const { method: verb, url, headers, clientAddress } = value.request;
  const asked = { method: verb, url, headers, ...(clientAddress === undefined ? {} : { clientAddress }) };
  const { index, nodes } = context;
  return { status: 200, body: explainRequest({ index, tables, nodes, gateway, request: asked }) };
}
