import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';

interface PinnedNode {
  findPinnedNode(directory: string): { node?: string; problem?: string };
  isNewEnough(version: string): boolean;
  whyItDoesNotRun(node: string): string | undefined;
  readonly runtimePackages: Readonly<Record<string, string>>;
}

const pinnedNode: PinnedNode = createRequire(import.meta.url)('./pinned-node.cjs');

/** A repository whose node_modules holds the runtime package for this machine, whose `node` is a shell script. */
function repository(options: { modules: boolean; script?: string }): string {
  const root = mkdtempSync(join(tmpdir(), 'pinned-node-'));
  mkdirSync(join(root, 'packages', 'deep'), { recursive: true });
  if (options.modules) mkdirSync(join(root, 'node_modules'));
  if (options.script !== undefined) {
    const bin = join(root, 'node_modules', runtimePackage(), 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'node'), `#!/bin/sh\n${options.script}\n`, { mode: 0o755 });
  }
  return root;
}

function runtimePackage(): string {
  const name = pinnedNode.runtimePackages[`${process.platform} ${process.arch}`];
  assert.ok(name, 'these tests run on a platform with a runtime package');
  return name;
}

function problemIn(directory: string): string {
  const { problem } = pinnedNode.findPinnedNode(directory);
  assert.ok(problem);
  assert.ok(problem.split('\n').length <= 3, problem);
  return problem;
}

describe('finding the pinned Node', () => {
  const { arch } = process;
  afterEach(() => Object.defineProperty(process, 'arch', { value: arch }));

  it('finds it from any folder of the repository', () => {
    const root = repository({ modules: true, script: 'echo v26.10.0' });
    const expected = { node: join(root, 'node_modules', runtimePackage(), 'bin', 'node') };
    assert.deepEqual(pinnedNode.findPinnedNode(root), expected);
    assert.deepEqual(pinnedNode.findPinnedNode(join(root, 'packages', 'deep')), expected);
  });

  it('says npm ci when nothing is installed', () => {
    assert.match(problemIn(repository({ modules: false })), /not installed\.\nRun: npm ci$/);
  });

  it('says that optional dependencies were left out when only the runtime is missing', () => {
    const problem = problemIn(repository({ modules: true }));
    assert.match(problem, new RegExp(`${runtimePackage()}.* is not installed`));
    assert.match(problem, /--omit=optional.*\nRun: npm ci --include=optional$/);
  });

  it('names the platforms that there are when this is none of them', () => {
    const root = repository({ modules: true, script: 'echo v26.10.0' });
    Object.defineProperty(process, 'arch', { value: 'riscv64' });
    const problem = problemIn(root);
    assert.match(problem, /linux x64, linux arm64, darwin x64, darwin arm64; this is \w+ riscv64\./);
  });

  it('knows exactly the packages that the repository declares, at one version that is new enough', () => {
    const manifest: { optionalDependencies: Record<string, string> } = JSON.parse(
      readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
    );
    const { optionalDependencies } = manifest;
    assert.deepEqual(
      Object.keys(optionalDependencies).toSorted(),
      Object.values(pinnedNode.runtimePackages).toSorted(),
    );
    const versions = new Set(Object.values(optionalDependencies));
    assert.equal(versions.size, 1);
    for (const version of versions) assert.ok(pinnedNode.isNewEnough(version), version);
  });
});

describe('starting the pinned Node', () => {
  const reasonOf = (script: string): string | undefined => {
    const { node } = pinnedNode.findPinnedNode(repository({ modules: true, script }));
    assert.ok(node);
    return pinnedNode.whyItDoesNotRun(node);
  };

  it('is fine when it answers a version that is new enough', () => {
    assert.equal(reasonOf('echo v26.10.0'), undefined);
    assert.equal(reasonOf('echo v100.0.0'), undefined);
  });

  it('names the version of a stale installation', () => {
    assert.match(
      reasonOf('echo v20.19.2') ?? '',
      /is Node v20\.19\.2, but Causeway needs 26\.\nRun: npm ci$/,
    );
  });

  it('quotes the loader of a system that is too old, and says what is needed', () => {
    const problem = reasonOf(`echo "node: version 'GLIBC_2.28' not found" >&2; exit 1`) ?? '';
    assert.match(
      problem,
      /does not run on this system: node: version 'GLIBC_2\.28' not found\n.*glibc 2\.28/,
    );
    assert.equal(problem.split('\n').length, 3);
  });

  it('tells why when there is no such program', () => {
    assert.match(pinnedNode.whyItDoesNotRun('/nowhere/node') ?? '', /does not run on this system: .*ENOENT/);
  });
});
