import { z } from 'zod';
import { line, list, object, say, shown } from '../fields.ts';
import type { FilterKind } from './filter-kind.ts';
import { pathChange } from './path-change.ts';
import { templateText } from './template-text.ts';

const parametersMax = 64;
const hostPattern =
  /^(upstream|(?=.{1,259}$)([a-zA-Z0-9_]([-a-zA-Z0-9_.]*[a-zA-Z0-9_])?|\[[0-9a-fA-F:.]+\])(:[0-9]{1,5})?)$/;

const parameterName = line('a query parameter name', 'Name of a query parameter, case-sensitive.', 256);
const parameterValue = templateText({
  description:
    'Value, a template; encoded where it must be. Where a part is absent there is no such parameter.',
  lengthMax: 4096,
});

const query = object(
  {
    set: z
      .record(parameterName, parameterValue, {
        error: (issue) => say('wrong_type', `${shown(issue.input)} is not a mapping of parameters to values`),
      })
      .superRefine((map, context) => {
        if (Object.keys(map).length <= parametersMax) return;
        context.addIssue({
          code: 'custom',
          message: say('out_of_range', `more than ${parametersMax} parameters`),
        });
      })
      .default({})
      .describe('Parameter to template, in place of every one of that name, at the end.'),
    remove: list(parameterName, {
      description: 'Parameters that do not go on.',
      max: parametersMax,
      key: '',
    }).default([]),
  },
  'Changes the query; what is not named stays as it was sent.',
);

const rewriteSpec = object(
  {
    host: z
      .string({ error: (issue) => say('wrong_type', `${shown(issue.input)} is not a host`) })
      .regex(hostPattern, {
        error: (issue) =>
          say('bad_format', `${shown(issue.input)} is neither upstream nor a host with an optional port`),
      })
      .optional()
      .describe(
        'upstream: the name of the endpoint that gets the request; or a host, with a port if need be. Absent: what the client sent.',
      ),
    path: pathChange.optional(),
    query: query.optional(),
  },
  'What goes upstream in place of what the client asked for. Nothing else sees it: matching, rules, access log.',
).superRefine(({ host, path, query: changes }, context) => {
  const hasQuery = changes !== undefined && Object.keys(changes.set).length + changes.remove.length > 0;
  if (host !== undefined || path !== undefined || hasQuery) return;
  context.addIssue({ code: 'custom', message: say('missing', 'needs host, path or query') });
});

export type RewriteSpec = z.output<typeof rewriteSpec>;

export const rewriteFilter: FilterKind<typeof rewriteSpec> = {
  key: 'rewrite',
  spec: rewriteSpec,
  phase: 'transformation',
  mayRepeat: false,
  summary: ({ host, path, query: changes }) => {
    const [change] = path === undefined ? [] : Object.entries(path).filter(([, text]) => text !== undefined);
    return [
      'rewrite',
      ...(host === undefined ? [] : [`host ${host}`]),
      ...(change === undefined ? [] : [`path ${change.join(' ')}`]),
      ...(changes === undefined ? [] : ['query']),
    ].join(' ');
  },
};
