// Names of files, and what the repository as a whole must keep.

import { parseAllDocuments } from 'yaml';
import {
  type FileRule,
  type Finding,
  finding,
  isTest,
  packageOf,
  type SourceFile,
  stringsOf,
} from './source-file.ts';

const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;

/** Files are named after their main export, in kebab-case. */
export const kebabCaseNames: FileRule = (file) => {
  const name = file.path.split('/').at(-1) ?? '';
  return kebabCase.test(name) ? [] : [finding(file, 0, `"${name}" is not kebab-case`)];
};

const emptyName = /^((.*-)?(utils?|helpers?)|commons?|misc|shared|index)(\.|$)/;

/** A name that says nothing attracts everything; and an index barrel would be a second door into a package. */
export const tellingNames: FileRule = (file) =>
  file.path
    .split('/')
    .filter((part) => emptyName.test(part))
    .map((part) => finding(file, 0, `"${part}" does not say what it is`));

/** Words that would tie the repository to a machine or a network on which somebody happened to work. */
const machineWords = [
  { pattern: /(^|[^\w.-])\/work\//m, what: 'a path of one machine' },
  {
    pattern: /https?:\/\/[^\s/"']*(registry|artifactory|jfrog|npmmirror|verdaccio|nexus)/i,
    what: 'a package registry host',
  },
];

/** The repository works wherever it is cloned. */
export const noMachineWords: FileRule = (file) =>
  machineWords.flatMap(({ pattern, what }) => {
    const match = pattern.exec(file.text);
    return match === null ? [] : [finding(file, match.index, `${what}: ${match[0].trim()}`)];
  });

/** The lockfile names versions and digests, not the registry that somebody installed from. */
export const lockWithoutHosts: FileRule = (file) => {
  if (file.path !== 'package-lock.json') return [];
  const lock: { packages: Record<string, { resolved?: string }> } = JSON.parse(file.text);
  return Object.values(lock.packages)
    .map(({ resolved }) => resolved)
    .filter((resolved) => resolved !== undefined && /^[a-z+]+:/.test(resolved))
    .map((resolved) => finding(file, file.text.indexOf(`${resolved}`), `resolved from ${resolved}`));
};

/** Every example is YAML that `gwctl apply` would read as objects of ours. */
export const readableExamples: FileRule = (file) => {
  if (!/^deploy\/examples\/.*\.ya?ml$/.test(file.path)) return [];
  const documents = parseAllDocuments(file.text);
  if (!Array.isArray(documents) || documents.length === 0) return [finding(file, 0, 'no document')];
  return documents.flatMap((document): Finding[] => {
    const offset = document.range[0];
    const [error] = document.errors;
    if (error !== undefined) return [finding(file, error.pos[0], error.message)];
    const faults: string[] = [];
    if (document.get('apiVersion') !== 'causeway/v1') faults.push('apiVersion is not causeway/v1');
    if (typeof document.get('kind') !== 'string') faults.push('no kind');
    if (typeof document.getIn(['metadata', 'name']) !== 'string') faults.push('no metadata.name');
    return faults.map((fault) => finding(file, offset, fault));
  });
};

const restPrefix = '/apis/causeway';

/** The invariant 7: REST paths stand in one source file, which server and client share. Tests spell them on their own, on purpose. */
export function restPathsInOneFile(files: readonly SourceFile[]): Finding[] {
  const spelled = files
    .filter((file) => packageOf(file.path) !== undefined && !isTest(file))
    .flatMap((file) => {
      const first = stringsOf(file).find(({ text }) => text.includes(restPrefix));
      return first === undefined ? [] : [{ file, offset: first.offset }];
    });
  if (spelled.length <= 1) return [];
  return spelled.map(({ file, offset }) =>
    finding(file, offset, `one of ${spelled.length} files that spell ${restPrefix}`),
  );
}
