import { AdminApiError, Unreachable } from '@causeway/admin-client/errors';
import { documentSchema, type JsonSchema } from '@causeway/model/json-schema';
import type { Kind } from '@causeway/model/kinds/kind';
import { kindByWord } from '@causeway/model/kinds/registry';
import type { Command } from 'commander';
import { Failure, usage } from '../failure.ts';
import type { Io } from '../io.ts';
import { findField } from '../schema/find-field.ts';
import { renderField } from '../schema/render-field.ts';
import { openSession } from '../session.ts';
import { kindOfWord } from '../targets.ts';
import { version } from '../version.ts';

export function addExplain(program: Command, io: Io): void {
  program
    .command('explain')
    .description('what a field of a kind means; a request is explained by: gwctl route explain')
    .argument('<field>', 'a kind or a field, such as route.spec.matches.path')
    .argument('[url]')
    .action(async (field: string, url: string | undefined, _: unknown, command: Command) =>
      runExplain(io, command, field, url),
    );
}

async function runExplain(io: Io, command: Command, field: string, url: string | undefined): Promise<void> {
  const [word = '', ...path] = field.split('.');
  if (url !== undefined || (/^[A-Z]+$/.test(word) && kindByWord(word) === undefined))
    throw usage(
      `${JSON.stringify(word)} is no kind; for a request use: gwctl route explain ${word} ${url ?? 'URL'}`,
    );
  const kind = kindOfWord(word);
  const schema = await schemaOf(io, command, kind);
  io.out(renderField(kind.kind, findField(kind.kind, schema, path)));
}

/** The schema of the control plane, which may be of another version; this program's own where that cannot be had. */
async function schemaOf(io: Io, command: Command, kind: Kind): Promise<JsonSchema> {
  try {
    const { client } = await openSession(io, command);
    return await client.schema(kind);
  } catch (error) {
    const isExpected =
      error instanceof Unreachable || error instanceof AdminApiError || error instanceof Failure;
    if (!isExpected) throw error;
    io.err(`note: this is what gwctl ${version} knows; the control plane was not asked: ${error.message}`);
    return documentSchema(kind);
  }
}
