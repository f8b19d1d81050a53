/** What `npm run generate` writes, as text by path, so that a test can hold the files in the repository against it. */
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { upSettings } from '@causeway/causeway/up-settings';
import { controlPlaneSettings } from '@causeway/control-plane/settings';
import { dataPlaneSettings } from '@causeway/data-plane/settings';
import { documentSchema } from '@causeway/model/json-schema';
import { kinds } from '@causeway/model/kinds/registry';
import { renderMarkdownTable } from '@causeway/runtime/settings-text';
import { fieldReference } from './field-reference.ts';

const repository = join(import.meta.dirname, '..');
const written = kinds.filter((kind) => kind.spec);

/** Files by their path in the repository. */
export function generatedFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const kind of written) {
    const schema = documentSchema(kind);
    const name = kind.kind.toLowerCase();
    files.set(`deploy/schema/${name}.json`, `${JSON.stringify(schema, null, 2)}\n`);
    files.set(`docs/reference/${name}.md`, fieldReference(kind, schema));
  }
  files.set('docs/reference/settings.md', settingsPage());
  for (const [path, text] of protobufCode()) files.set(path, text);
  return files;
}

function settingsPage(): string {
  const processes = [
    ['causeway control-plane', controlPlaneSettings],
    ['causeway data-plane', dataPlaneSettings],
    ['causeway up', upSettings],
  ] as const;
  const sections = processes.map(
    ([command, settings]) => `## ${command}\n\n${renderMarkdownTable(settings)}`,
  );
  return `# Settings\n\nA flag beats the environment, the environment beats the default.\n\n${sections.join('\n')}`;
}

function protobufCode(): [string, string][] {
  const directory = mkdtempSync(join(tmpdir(), 'causeway-generate-'));
  try {
    const proto = join(repository, 'packages/proto');
    execFileSync(join(repository, 'node_modules/.bin/buf'), ['generate', '--output', directory], {
      cwd: proto,
      stdio: 'inherit',
    });
    return globSync('src/gen/**/*.ts', { cwd: directory }).map((file) => [
      `packages/proto/${file}`,
      readFileSync(join(directory, file), 'utf8'),
    ]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
