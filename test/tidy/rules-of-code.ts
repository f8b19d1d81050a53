// What no source file may contain, because type stripping, the log or a secret would suffer.

import { type FileRule, type Finding, finding, isTest, packageOf, stringsOf, visit } from './source-file.ts';

const linesMax = 500;

/** A file of 500 lines has become two things. */
export const fileLength: FileRule = (file) => {
  const lines = file.text.split('\n').length - 1;
  return lines > linesMax
    ? [{ path: file.path, line: lines, message: `${lines} lines, at most ${linesMax}` }]
    : [];
};

/** Type stripping cannot run an enum; `as const` objects do the same. */
export const noEnums: FileRule = (file) => {
  const found: Finding[] = [];
  visit(file, {
    TSEnumDeclaration: ({ start }) =>
      void found.push(finding(file, start, 'an enum; use an `as const` object')),
  });
  return found;
};

/** A thing has one name everywhere; only a tool's configuration file must export a default. */
export const noDefaultExports: FileRule = (file) => {
  if (file.path.endsWith('.config.ts')) return [];
  const found: Finding[] = [];
  visit(file, {
    ExportDefaultDeclaration: ({ start }) => void found.push(finding(file, start, 'a default export')),
    ExportSpecifier: ({ exported, start }) => {
      const name = exported.type === 'Literal' ? exported.value : exported.name;
      if (name === 'default') found.push(finding(file, start, 'a default export'));
    },
  });
  return found;
};

/** Logs go through the logger, and what gwctl prints through `process.stdout.write`. */
export const noConsole: FileRule = (file) =>
  packageOf(file.path) === undefined ? [] : membersOf(file, 'console', 'use the logger instead of console');

/** Jitter and balancing may use it; there the generator is a parameter with this default, one file each. */
const mayUseMathRandom = [
  /^packages\/runtime\/src\/backoff\.ts$/,
  /^packages\/data-plane\/src\/upstream\/balancing\//,
];

/** `Math.random` can be predicted: ids, tokens and keys come from node:crypto. */
export const noMathRandom: FileRule = (file) => {
  const exempt = packageOf(file.path) === undefined || isTest(file);
  if (exempt || mayUseMathRandom.some((path) => path.test(file.path))) return [];
  return membersOf(file, 'Math', 'use node:crypto instead of Math.random').filter(({ message }) =>
    message.startsWith('Math.random'),
  );
};

function membersOf(file: Parameters<FileRule>[0], object: string, hint: string): Finding[] {
  const found: Finding[] = [];
  visit(file, {
    MemberExpression: ({ object: left, property, start }) => {
      if (left.type !== 'Identifier' || left.name !== object) return;
      const name = property.type === 'Identifier' ? property.name : '?';
      found.push(finding(file, start, `${object}.${name}: ${hint}`));
    },
  });
  return found;
}

const statement =
  /\b(SELECT\s[^]*\bFROM\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|CREATE\s+(TABLE|(UNIQUE\s+)?INDEX|TRIGGER)\s|ALTER\s+TABLE\s|PRAGMA\s)/;
/** In lower case only where a string begins: further in it may be a sentence about selecting. */
const sql = new RegExp(`${statement.source}|^\\s*${statement.source.toLowerCase()}`);

/** The lock of a data directory is a transaction on an empty database; it keeps no data. */
const directoryLock = 'packages/runtime/src/data-dir.ts';

/** SQL stands in the store alone, so that another database means another store and nothing else. */
export const sqlInStoreOnly: FileRule = (file) => {
  if (packageOf(file.path) === undefined || isTest(file)) return [];
  if (file.path.startsWith('packages/control-plane/src/store/') || file.path === directoryLock) return [];
  return stringsOf(file)
    .filter(({ text }) => sql.test(text))
    .map(({ offset }) => finding(file, offset, 'SQL outside of packages/control-plane/src/store'));
};
