import { AdminApiError } from '@causeway/admin-client/errors';
import type { ExplainRequest, Explanation } from '@causeway/model/api-types';
import type { Command } from 'commander';
import { Failure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { renderDocument } from '../output/documents.ts';
import { renderExplanation, shownRoute } from '../output/explanation.ts';
import { type Format, outputOption } from '../output/format.ts';
import { openSession, type Session } from '../session.ts';

interface RouteExplainFlags {
  header: readonly string[];
  client?: string;
  gateway?: string;
  output: Format;
}

export function addRouteExplain(program: Command, io: Io): void {
  const route = program.command('route').description('questions about routing');
  route
    .command('explain')
    .description('which Route takes a request, and why')
    .argument('<method>', 'method of the request')
    .argument('<url>', 'its URL, such as https://api.example.com/orders/7')
    .option(
      '-H, --header <header>',
      'a header of the request, such as "x-canary: always"; may be given several times',
      (header: string, before: readonly string[]) => [...before, header],
      [] as readonly string[],
    )
    .option('--client <address>', 'address of the client')
    .option('--gateway <name>', 'Gateway that is asked', 'default')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .action(async (method: string, url: string, flags: RouteExplainFlags, command: Command) =>
      runRouteExplain(await openSession(io, command), { method: method.toUpperCase(), url }, flags),
    );
}

async function runRouteExplain(
  session: Session,
  { method, url }: { method: string; url: string },
  flags: RouteExplainFlags,
): Promise<void> {
  const { io, client } = session;
  const request: ExplainRequest['request'] = {
    method,
    url,
    headers: flags.header.map(headerPair),
    ...(flags.client === undefined ? {} : { clientAddress: flags.client }),
  };
  const explanation = await client
    .explain({ request, gateway: flags.gateway ?? 'default' })
    .catch((error: unknown) => {
      throw badQuestion(error);
    });
  if (flags.output === 'json' || flags.output === 'yaml') io.out(renderDocument(explanation, flags.output));
  const isTaken = explanation.route !== null && explanation.reason === null;
  if (!isTaken) throw notTaken(explanation, `${method} ${url}`, session.namespace);
  if (flags.output === 'table') io.out(renderExplanation(explanation, `${method} ${url}`, session.namespace));
}

/** The pointers of the answer are into a body that the user has not seen. */
function badQuestion(error: unknown): unknown {
  if (!(error instanceof AdminApiError) || error.problem.code !== 'invalid') return error;
  const [first, ...more] = error.problem.errors;
  return first === undefined || more.length > 0 ? error : usage(first.detail, first.hint);
}

function headerPair(header: string): [string, string] {
  const [, name, value] = /^([^:\s]+):[ \t]*(.*)$/s.exec(header) ?? [];
  if (name === undefined || value === undefined)
    throw usage(`${JSON.stringify(header)} is no header`, 'write -H "name: value"');
  return [name, value];
}

function notTaken(explanation: Explanation, request: string, namespace: string): Failure {
  const { reason, detail, nearest = [] } = explanation;
  if (reason === 'bad_request') return new Failure(`a node refuses ${request}: ${detail ?? reason}`);
  const why = reason === 'no_route' ? '' : `: ${[reason, detail].filter(Boolean).join(', ')}`;
  const groups = Map.groupBy(nearest, (entry) => entry.detail);
  const lines = [...groups].map(
    ([text, routes]) =>
      `nearest: ${[...new Set(routes.map(({ route }) => `route/${shownRoute(route, namespace)}`))].join(', ')}: ${text}`,
  );
  const place = reason === 'no_route' && nearest.length === 0 && detail !== undefined ? [`  ${detail}`] : [];
  return new Failure(`no route takes ${request}${why}`, { below: [...lines, ...place] });
}
