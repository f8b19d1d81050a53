/**
 * `npm run lock`: resolves package-lock.json anew, in an empty directory, so that it locks every platform's packages
 * whatever platform it is run on. npm leaves out optional packages that it cannot see: all but this platform's where
 * node_modules is present, and those that a mirror does not hold. `npm ci` then refuses the whole file.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Locked {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  os?: string[];
  cpu?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
}

const repository = join(import.meta.dirname, '..');
const lockFile = join(repository, 'package-lock.json');
const directory = mkdtempSync(join(tmpdir(), 'causeway-lock-'));
try {
  const manifests = ['package.json', '.npmrc', 'packages/*/package.json', 'test/package.json'];
  for (const file of globSync(manifests, { cwd: repository }))
    cpSync(join(repository, file), join(directory, file));
  execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], {
    cwd: directory,
    stdio: 'inherit',
  });
  const lock = JSON.parse(readFileSync(join(directory, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  lock.packages = withEveryPlatform(lock.packages);
  writeFileSync(lockFile, `${JSON.stringify(lock, null, 2)}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** Adds the optional packages that npm could not see, by version and platform; their integrity is not known here. */
function withEveryPlatform(packages: Record<string, Locked>): Record<string, Locked> {
  const added = Object.values(packages).flatMap((owner) =>
    Object.entries(owner.optionalDependencies ?? {})
      .filter(([name, version]) => !packages[`node_modules/${name}`] && /^\d/.test(version))
      .map(([name, version]): [string, Locked] => {
        return [
          `node_modules/${name}`,
          { version, ...(owner.dev ? { dev: true } : {}), optional: true, ...platformOf(name) },
        ];
      }),
  );
  return Object.fromEntries([...Object.entries(packages), ...added].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The platform that a package is for, from the words of its name: `cli-linux-x64-musl`. */
function platformOf(name: string): Pick<Locked, 'os' | 'cpu' | 'libc'> {
  const words = name.split('/').at(-1)!.split('-');
  const systems = new Map([
    ...[
      'aix',
      'android',
      'darwin',
      'freebsd',
      'linux',
      'netbsd',
      'openbsd',
      'openharmony',
      'sunos',
      'win32',
    ].map((os) => [os, os] as const),
    ['windows', 'win32'] as const,
  ]);
  const processors = new Map([
    ...['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64'].map(
      (cpu) => [cpu, cpu] as const,
    ),
    ['64', 'x64'] as const,
    ['armv7', 'arm'] as const,
  ]);
  const os = words.map((word) => systems.get(word)).find((found) => found !== undefined);
  const cpu = words.map((word) => processors.get(word)).find((found) => found !== undefined);
  if (os === undefined) throw new Error(`${name} is not in the registry, and its name tells no platform`);
  const libc = words.includes('musl') ? ['musl'] : words.includes('gnu') ? ['glibc'] : undefined;
  return { os: [os], ...(cpu === undefined ? {} : { cpu: [cpu] }), ...(libc === undefined ? {} : { libc }) };
}
