import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';

import type { ListenAddress } from './listen-address.ts';
import { selectArguments } from './setting-sources.ts';
import { renderHelp, renderMarkdownTable } from './settings-text.ts';
import { declareSettings, readSettings, type SettingValues } from './settings.ts';

const declarations = declareSettings({
  dataDir: { flag: '--data-dir', kind: 'path', default: './data', help: 'Where state lives.' },
  adminAddress: { flag: '--admin-addr', kind: 'address', default: '127.0.0.1:7080', help: 'Admin API.' },
  workers: { flag: '--workers', kind: 'integer', min: 1, max: 64, help: 'Worker threads.' },
  drainMs: { flag: '--drain', kind: 'duration', min: 0, max: 60_000, default: '10s', help: 'Longest drain.' },
  verbose: { flag: '--verbose', kind: 'boolean', help: 'Say more.' },
  level: { flag: '--log-level', kind: 'choice', choices: ['debug', 'info'], default: 'info', help: 'Level.' },
  labels: { flag: '--label', kind: 'label', help: 'A label of this node.' },
  allowed: { flag: '--allow', kind: 'cidr', repeatable: true, help: 'Networks.' },
  key: { flag: '--seal-key', kind: 'string', secret: true, help: 'Seals secrets.' },
});

type Values = SettingValues<typeof declarations>;

function valuesOf(argv: string[], env: Record<string, string> = {}): Values {
  const result = readSettings(declarations, argv, env);
  assert.equal(result.outcome, 'values', JSON.stringify(result));
  return result.values;
}

function problemsOf(argv: string[], env: Record<string, string> = {}): readonly string[] {
  const result = readSettings(declarations, argv, env);
  assert.equal(result.outcome, 'problems');
  return result.problems;
}

function secretFile(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'settings-')), 'secret');
  writeFileSync(path, content);
  return path;
}

describe('settings', () => {
  it('gives defaults, and types that need no cast', () => {
    const values = valuesOf([]);
    const address: ListenAddress = values.adminAddress;
    const workers: number | undefined = values.workers;
    const level: 'debug' | 'info' = values.level;
    const allowed: readonly string[] = values.allowed;
    const labels: Readonly<Record<string, string>> = values.labels;
    assert.deepEqual(address, { host: '127.0.0.1', port: 7080 });
    assert.equal(workers, undefined);
    assert.equal(level, 'info');
    assert.deepEqual(allowed, []);
    assert.deepEqual(labels, {});
    assert.equal(values.drainMs, 10_000);
    assert.equal(values.verbose, false);
    assert.equal(values.key, undefined);
  });

  it('takes --flag value and --flag=value, and a flag alone as true', () => {
    const values = valuesOf(['--data-dir', 'a=b', '--admin-addr=[::1]:0', '--verbose', '--workers=2']);
    assert.equal(values.dataDir, 'a=b');
    assert.deepEqual(values.adminAddress, { host: '::1', port: 0 });
    assert.equal(values.verbose, true);
    assert.equal(values.workers, 2);
    assert.equal(valuesOf(['--verbose=false'], { CAUSEWAY_VERBOSE: 'true' }).verbose, false);
  });

  it('lets a flag beat the environment and the environment beat the default', () => {
    const env = { CAUSEWAY_DATA_DIR: 'from-env', CAUSEWAY_DRAIN: '1m' };
    assert.equal(valuesOf([], env).dataDir, 'from-env');
    assert.equal(valuesOf(['--data-dir', 'from-flag'], env).dataDir, 'from-flag');
    assert.equal(valuesOf([], env).drainMs, 60_000);
    assert.equal(valuesOf([], { CAUSEWAY_DATA_DIR: '' }).dataDir, './data');
  });

  it('collects repeated settings from flags and, by comma, from one text', () => {
    const values = valuesOf(['--label', 'zone=eu-1', '--label=expr=a=b', '--allow', '10.0.0.0/8']);
    assert.deepEqual(values.labels, { zone: 'eu-1', expr: 'a=b' });
    assert.deepEqual(values.allowed, ['10.0.0.0/8']);
    assert.deepEqual(valuesOf(['--allow', '::1,::2', '--allow=::3']).allowed, ['::1', '::2', '::3']);
    const env = { CAUSEWAY_LABEL: 'a=1, b=2', CAUSEWAY_ALLOW: '::1,192.0.2.0/24' };
    assert.deepEqual(valuesOf([], env).labels, { a: '1', b: '2' });
    assert.deepEqual(valuesOf([], env).allowed, ['::1', '192.0.2.0/24']);
  });

  it('tells all problems at once, each as a sentence', () => {
    const argv = [
      '--admin-adr',
      'x',
      '--workers',
      '65',
      '--drain=soon',
      '--log-level',
      'inf',
      'stray',
      '--data-dir',
    ];
    assert.deepEqual(problemsOf(argv, { CAUSEWAY_ALLOW: '10.0.0.0/33', CAUSEWAY_LABEL: 'x' }), [
      'unknown setting --admin-adr (did you mean --admin-addr?)',
      'unexpected argument "stray": settings are written --name VALUE.',
      '--data-dir needs a value: write --data-dir VALUE or --data-dir=VALUE.',
      '--workers: "65" is above the largest allowed, 64.',
      '--drain: "soon" is no duration (examples: 250ms, 10s, 1h30m).',
      '--log-level: "inf" is none of debug, info (did you mean "info"?).',
      'CAUSEWAY_LABEL: "x" is no KEY=VALUE (example: zone=eu-1).',
      'CAUSEWAY_ALLOW: "10.0.0.0/33" is no network (examples: 10.0.0.0/8, 2001:db8::/32, 192.0.2.1).',
    ]);
  });

  it('holds integers and durations to their bounds, at, under and over', () => {
    assert.equal(valuesOf(['--workers', '1']).workers, 1);
    assert.equal(valuesOf(['--workers', '64']).workers, 64);
    assert.deepEqual(problemsOf(['--workers', '0']), ['--workers: "0" is below the smallest allowed, 1.']);
    assert.equal(valuesOf(['--drain', '60s']).drainMs, 60_000);
    assert.deepEqual(problemsOf(['--drain', '60001ms']), [
      '--drain: "60001ms" is above the largest allowed, 1m.',
    ]);
  });

  it('refuses a setting given twice that takes one value', () => {
    assert.deepEqual(problemsOf(['--workers', '2', '--workers', '3']), [
      '--workers is given twice: keep one.',
    ]);
  });

  it('refuses an empty path instead of meaning the current directory', () => {
    assert.deepEqual(problemsOf(['--data-dir=']), ['--data-dir: "" is empty.']);
  });

  it('reads a secret from a file or the environment, never from the command line', () => {
    const path = secretFile('s3cret\n');
    assert.equal(valuesOf(['--seal-key-file', path]).key, 's3cret');
    assert.equal(valuesOf([], { CAUSEWAY_SEAL_KEY_FILE: path }).key, 's3cret');
    assert.equal(valuesOf([], { CAUSEWAY_SEAL_KEY: 'other' }).key, 'other');
    assert.deepEqual(problemsOf(['--seal-key', 's3cret']), [
      '--seal-key would show a secret to every user of this machine: use --seal-key-file PATH or CAUSEWAY_SEAL_KEY.',
    ]);
    const both = problemsOf([], { CAUSEWAY_SEAL_KEY: 's3cret', CAUSEWAY_SEAL_KEY_FILE: path });
    assert.deepEqual(both, ['CAUSEWAY_SEAL_KEY and CAUSEWAY_SEAL_KEY_FILE are both set: keep one.']);
  });

  it('names the file of a secret that cannot be read, is empty or is too large', () => {
    assert.match(
      problemsOf(['--seal-key-file', '/nowhere/key']).join(),
      /^--seal-key-file: .*\/nowhere\/key/,
    );
    assert.deepEqual(problemsOf(['--seal-key-file', secretFile('\n')]), [
      '--seal-key-file: the secret is empty.',
    ]);
    assert.match(problemsOf(['--seal-key-file', secretFile('x'.repeat(65_537))]).join(), /larger than 65536/);
  });

  it('takes a default with commas for a repeatable setting', () => {
    const repeatable = declareSettings({
      ports: {
        flag: '--port',
        kind: 'integer',
        min: 0,
        max: 9,
        repeatable: true,
        default: '1,2',
        help: 'Ports.',
      },
    });
    const result = readSettings(repeatable, [], {});
    assert.deepEqual(result, { outcome: 'values', values: { ports: [1, 2] } });
  });

  it('selects the words that concern a part of the declarations', () => {
    const { dataDir, verbose, labels } = declarations;
    const argv = [
      '--workers',
      '2',
      '--data-dir',
      'x',
      '--verbose',
      '--label=a=1',
      '--log-level=info',
      '--label',
      'b=2',
    ];
    assert.deepEqual(selectArguments({ dataDir, verbose, labels }, argv), [
      '--data-dir',
      'x',
      '--verbose',
      '--label=a=1',
      '--label',
      'b=2',
    ]);
  });

  it('answers help whatever else is wrong', () => {
    assert.equal(readSettings(declarations, ['--nope', '--help'], {}).outcome, 'help');
    assert.equal(readSettings(declarations, ['-h'], {}).outcome, 'help');
  });
});

describe('settings as text', () => {
  it('renders help with usage, defaults and environment', () => {
    const help = renderHelp('causeway thing', 'Runs the thing.', declarations);
    assert.match(help, /^Runs the thing\.\n\nUsage: causeway thing \[settings\]\n/);
    assert.match(help, /\n {2}--admin-addr HOST:PORT\n {6}Admin API\. \(default 127\.0\.0\.1:7080\)\n/);
    assert.match(help, /\n {2}--verbose\n/);
    assert.match(help, /\n {2}--seal-key-file PATH\n/);
    for (const line of help.split('\n')) assert.ok(line.length <= 100, line);
  });

  it('renders one Markdown row a setting, with pipes escaped', () => {
    const rows = renderMarkdownTable(declarations).trimEnd().split('\n');
    assert.equal(rows.length, 2 + Object.keys(declarations).length);
    assert.ok(rows.includes('| `--data-dir PATH` | `CAUSEWAY_DATA_DIR` | `./data` | Where state lives. |'));
    assert.ok(rows.includes('| `--log-level debug\\|info` | `CAUSEWAY_LOG_LEVEL` | `info` | Level. |'));
    assert.ok(
      rows.includes(
        '| `--seal-key-file PATH` | `CAUSEWAY_SEAL_KEY, CAUSEWAY_SEAL_KEY_FILE` |  | Seals secrets. |',
      ),
    );
  });
});
