// Holds the repository to its own rules. Each rule is first shown a file that breaks it, since a rule that cannot fail
// would hold nothing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  fileLength,
  noConsole,
  noDefaultExports,
  noEnums,
  noMathRandom,
  sqlInStoreOnly,
} from './rules-of-code.ts';
import { declaredDependencies, httpBehindSeams, importEndings, packageGraph } from './rules-of-imports.ts';
import {
  kebabCaseNames,
  lockWithoutHosts,
  noMachineWords,
  readableExamples,
  restPathsInOneFile,
  tellingNames,
} from './rules-of-repository.ts';
import {
  type FileRule,
  type Finding,
  isGenerated,
  isTypeScript,
  repositoryFiles,
  type SourceFile,
} from './source-file.ts';

const files = repositoryFiles();
const handWritten = files.filter((each) => isTypeScript(each) && !isGenerated(each));

interface Rule {
  readonly name: string;
  readonly check: FileRule;
  readonly over: readonly SourceFile[];
  /** Each breaks the rule once. */
  readonly bad: readonly SourceFile[];
  /** Near misses. */
  readonly good: readonly SourceFile[];
}

function file(path: string, ...lines: string[]): SourceFile {
  return { path, text: lines.join('\n') };
}

const router = 'packages/router/src/x.ts';
const node = 'packages/data-plane/src/table/x.ts';
const example = 'deploy/examples/x.yaml';
const hosted = ['https:/', 'registry.example.org', 'x.tgz'].join('/');
const machinePath = ['', 'work', 'main'].join('/');

const rules: readonly Rule[] = [
  {
    name: 'invariant 8: packages import along the graph (gwctl has the admin client alone), and nothing imports test',
    check: packageGraph,
    over: handWritten,
    bad: [
      file(router, `import { a } from '@causeway/model/a';`),
      file(router, `import type { A } from '@causeway/model/a';`),
      file(router, `export { a } from '@causeway/model/a';`),
      file(router, `export * from '@causeway/model/a';`),
      file(router, `const a = await import('@causeway/model/a');`),
      file(router, `type A = import('@causeway/model/a').A;`),
      file(router, `import { a } from '../../model/src/a.ts';`),
      file(router, `import { a } from '../../../test/kit/a.ts';`),
      file(router, `import { a } from '@causeway/test/kit/a';`),
      file(router, `import { a } from '../../../scripts/a.ts';`),
      file(node, `import { a } from '@causeway/control-plane/a';`),
      file('packages/control-plane/src/x.ts', `import { a } from '@causeway/data-plane/a';`),
      file('packages/filters/src/x.ts', `import { a } from '@causeway/model/a';`),
      file('packages/unheard-of/src/x.ts', ``),
    ],
    good: [
      file(
        router,
        `import { a } from './a.ts';`,
        `import { b } from '@causeway/router/b';`,
        `import { c } from 're2js';`,
      ),
      file(router, `// import { a } from '@causeway/model/a';`, `const text = "import '@causeway/model/a'";`),
      file('packages/filters/src/x.ts', `import type { A } from '@causeway/model/a';`),
      file('test/e2e/x.test.ts', `import { a } from '@causeway/model/a';`),
    ],
  },
  {
    name: 'packages declare only dependencies of the graph',
    check: declaredDependencies,
    over: files,
    bad: [
      file(
        'packages/router/package.json',
        `{"dependencies": {"@causeway/model": "1.0.0", "re2js": "1.0.0"}}`,
      ),
    ],
    good: [
      file('packages/gwctl/package.json', `{"dependencies": {"@causeway/model": "1.0.0"}}`),
      file('test/package.json', `{"dependencies": {"@causeway/model": "1.0.0"}}`),
    ],
  },
  {
    name: 'imports of files end in .ts',
    check: importEndings,
    over: handWritten,
    bad: [file(router, `import { a } from './a';`), file(router, `import { a } from './a.js';`)],
    good: [file(router, `import { a } from './a.ts';`, `import x from './x.json' with { type: 'json' };`)],
  },
  {
    name: 'a node knows its HTTP implementation behind the seams only',
    check: httpBehindSeams,
    over: handWritten,
    bad: [
      file(node, `import { request } from 'undici';`),
      file(node, `import type { Agent } from 'node:http';`),
      file(node, `function f(head: IncomingMessage) {}`),
      file('packages/data-plane/src/proxy/exchange-state.ts', `import 'undici';`),
    ],
    good: [
      file(
        'packages/data-plane/src/listen/x.ts',
        `import { createServer, type IncomingMessage } from 'node:http';`,
      ),
      file('packages/data-plane/src/proxy/exchange.ts', `import type { ServerResponse } from 'node:http';`),
      file('packages/control-plane/src/x.ts', `import { createServer } from 'node:http';`),
      file(node, `// An IncomingMessage would be wrong here.`),
    ],
  },
  {
    name: 'no source file is longer than 500 lines',
    check: fileLength,
    over: handWritten,
    bad: [file(router, '\n'.repeat(501))],
    good: [file(router, '\n'.repeat(500))],
  },
  {
    name: 'there are no enums',
    check: noEnums,
    over: handWritten,
    bad: [file(router, `export enum A { b }`), file(router, `const enum A { b }`)],
    good: [file(router, `// enum A`, `const a = { b: 'enum' } as const;`)],
  },
  {
    name: 'there are no default exports',
    check: noDefaultExports,
    over: handWritten,
    bad: [file(router, `export default 1;`), file(router, `const a = 1;`, `export { a as default };`)],
    good: [
      file(router, `import a from 'a';`, `export const b = a;`),
      file('test/x.config.ts', `export default {};`),
    ],
  },
  {
    name: 'packages do not write to the console',
    check: noConsole,
    over: handWritten,
    bad: [file(router, `console.log(1);`), file('packages/gwctl/src/x.test.ts', `console.error(1);`)],
    good: [file(router, `process.stdout.write('console.log');`), file('test/bench/x.ts', `console.log(1);`)],
  },
  {
    name: 'nothing secret comes from Math.random',
    check: noMathRandom,
    over: handWritten,
    bad: [file(router, `const token = Math.random();`)],
    good: [
      file(router, `const a = Math.max(1, 2);`),
      file('packages/runtime/src/backoff.ts', `const jitter = Math.random;`),
    ],
  },
  {
    name: 'invariant 7: SQL stands in the store alone',
    check: sqlInStoreOnly,
    over: handWritten,
    bad: [
      file('packages/control-plane/src/api/x.ts', `db.prepare('SELECT * FROM objects');`),
      file('packages/control-plane/src/api/x.ts', 'db.exec(`insert into objects values (${n})`);'),
      file('packages/data-plane/src/sync/x.ts', `db.pragma('PRAGMA wal');`),
    ],
    good: [
      file('packages/control-plane/src/store/x.ts', `db.prepare('SELECT * FROM objects');`),
      file('packages/gwctl/src/x.ts', `const text = 'Select a context, or delete objects from a file.';`),
    ],
  },
  {
    name: 'files are named in kebab-case',
    check: kebabCaseNames,
    over: handWritten,
    bad: [file('packages/router/src/buildTable.ts'), file('packages/router/src/build_table.ts')],
    good: [file('packages/router/src/build-table.test.ts'), file('packages/http1/src/x.ts')],
  },
  {
    name: 'names of files say what is in them',
    check: tellingNames,
    over: handWritten,
    bad: [
      file('packages/router/src/utils.ts'),
      file('packages/router/src/helpers/x.ts'),
      file('packages/router/src/string-utils.ts'),
      file('packages/router/src/common.ts'),
      file('packages/router/src/index.ts'),
    ],
    good: [file('packages/router/src/shared-map.ts'), file('packages/router/src/index-of-hosts.ts')],
  },
  {
    name: 'no file names a machine or a registry',
    check: noMachineWords,
    over: files,
    bad: [file('README.md', `cd ${machinePath}/`), file('README.md', `npm i --registry ${hosted}`)],
    good: [file('README.md', 'how routes work/match; https://causeway.dev/registry; the service registry')],
  },
  {
    name: 'the lockfile names no registry',
    check: lockWithoutHosts,
    over: files,
    bad: [file('package-lock.json', JSON.stringify({ packages: { a: { resolved: hosted } } }))],
    good: [
      file('package-lock.json', `{"packages": {"a": {"resolved": "packages/a", "link": true}, "b": {}}}`),
    ],
  },
  {
    name: 'examples are YAML of our API version',
    check: readableExamples,
    over: files,
    bad: [
      file(example, 'apiVersion: v1', 'kind: Route', 'metadata: {name: x}'),
      file(example, 'apiVersion: causeway/v1', 'kind: Route', 'metadata: {}'),
      file(example, 'apiVersion: causeway/v1', 'metadata: {name: x}'),
      file(example, 'a: [', ''),
      file(example, '# nothing'),
    ],
    good: [file(example, 'apiVersion: causeway/v1', 'kind: Route', 'metadata: {name: x}')],
  },
];

for (const { name, check, over, bad, good } of rules) {
  describe(name, () => {
    test('the rule can tell', () => {
      for (const sample of bad)
        assert.equal(check(sample).length, 1, `not found: ${sample.path}: ${sample.text}`);
      for (const sample of good) assert.deepEqual(check(sample), [], `found: ${sample.path}: ${sample.text}`);
    });
    test('the repository keeps it', () => assertNone(over.flatMap(check)));
  });
}

describe('invariant 7: REST paths stand in one source file', () => {
  const spells = (path: string): SourceFile => file(path, 'const root = `/apis/causeway/v1`;');
  test('the rule can tell', () => {
    const [model, client] = [
      spells('packages/model/src/rest.ts'),
      spells('packages/admin-client/src/client.ts'),
    ];
    assert.equal(restPathsInOneFile([model, client]).length, 2);
    assert.deepEqual(restPathsInOneFile([model, spells('packages/model/src/rest.test.ts')]), []);
    assert.deepEqual(restPathsInOneFile([model, file(router, '// under /apis/causeway')]), []);
  });
  test('the repository keeps it', () => assertNone(restPathsInOneFile(handWritten)));
});

function assertNone(findings: readonly Finding[]): void {
  const lines = findings.map(({ path, line, message }) => `${path}:${line}: ${message}`);
  assert.equal(lines.length, 0, `\n${lines.join('\n')}`);
}
