// Who may import whom.

import {
  type FileRule,
  type Finding,
  finding,
  importsOf,
  isTest,
  packageOf,
  type SourceFile,
  visit,
} from './source-file.ts';

/** The package graph. A package that is not listed here must be added with what it may import. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  proto: [],
  model: [],
  router: [],
  http1: [],
  transcoding: ['proto'],
  runtime: [],
  schema: ['runtime'],
  filters: ['model', 'proto', 'runtime', 'schema', 'transcoding'],
  'admin-client': ['model'],
  'control-plane': ['model', 'router', 'proto', 'transcoding', 'runtime', 'schema'],
  'data-plane': ['router', 'http1', 'proto', 'filters', 'transcoding', 'runtime', 'schema'],
  // gwctl's launcher is the runtime's: one program finds the pinned Node for every executable.
  gwctl: ['admin-client', 'model', 'runtime'],
  console: ['admin-client', 'model'],
  causeway: ['admin-client', 'control-plane', 'data-plane', 'runtime'],
};

/** Edges that carry types only, so that nothing of the target is loaded. */
const typesOnly = new Set(['filters -> model']);

/** Packages import along the graph; nothing imports `test`. */
export const packageGraph: FileRule = (file) => {
  const from = packageOf(file.path);
  if (from === undefined) return [];
  const mayImport = allowed[from];
  if (mayImport === undefined) return [finding(file, 0, `package ${from} is not in the package graph`)];
  return importsOf(file).flatMap(({ specifier, offset, typeOnly }): Finding[] => {
    const to = targetOf(file, specifier);
    if (to === undefined || to === from) return [];
    const edge = `${from} -> ${to}`;
    if (!mayImport.includes(to)) return [finding(file, offset, `${edge} is not in the package graph`)];
    if (typesOnly.has(edge) && !typeOnly) return [finding(file, offset, `${edge} is for types only`)];
    return [];
  });
};

/** The package of ours that a specifier reaches, `test` for what lies there; `undefined` for the rest of the world. */
function targetOf(file: SourceFile, specifier: string): string | undefined {
  const named = /^@causeway\/([^/]+)/.exec(specifier);
  if (named !== null) return named[1];
  if (!specifier.startsWith('.')) return undefined;
  const path = new URL(specifier, `file:///${file.path}`).pathname.slice(1);
  return packageOf(path) ?? (path.startsWith('test/') ? 'test' : path);
}

/** A package's dependencies on ours are the ones of the graph too: what is declared is what may be imported. */
export const declaredDependencies: FileRule = (file) => {
  const from = packageOf(file.path);
  if (from === undefined || !/^packages\/[^/]+\/package\.json$/.test(file.path)) return [];
  const { dependencies = {} }: { dependencies?: Record<string, string> } = JSON.parse(file.text);
  return Object.keys(dependencies)
    .filter((name) => name.startsWith('@causeway/'))
    .map((name) => name.slice('@causeway/'.length))
    .filter((to) => !(allowed[from] ?? []).includes(to))
    .map((to) =>
      finding(file, file.text.indexOf(`@causeway/${to}`), `${from} -> ${to} is not in the package graph`),
    );
};

/** Files are imported with their ending, packages by name: both run unbuilt and bundled. */
export const importEndings: FileRule = (file) =>
  importsOf(file)
    .filter(({ specifier }) => specifier.startsWith('.') && !/\.(ts|json|cjs)$/.test(specifier))
    .map(({ specifier, offset }) => finding(file, offset, `"${specifier}" needs its file ending .ts`));

const httpModules = /^(node:)?https?$|^undici($|\/)/;
const httpTypes = new Set(['IncomingMessage', 'ServerResponse', 'ClientRequest']);
const seams = 'listen/, upstream/, proxy/exchange.ts, health/ask-http1.ts and observe/status-server.ts';
const mayKnowHttp =
  /^packages\/data-plane\/src\/(listen\/|upstream\/|proxy\/exchange(\.test)?\.ts|health\/ask-http1\.ts|observe\/status-server(\.test)?\.ts)/;

/** In a node, one HTTP implementation can replace another behind these seams: nothing else may see its types. */
export const httpBehindSeams: FileRule = (file) => {
  if (packageOf(file.path) !== 'data-plane' || isTest(file) || mayKnowHttp.test(file.path)) return [];
  const found = importsOf(file)
    .filter(({ specifier }) => httpModules.test(specifier))
    .map(({ specifier, offset }) => finding(file, offset, `"${specifier}" belongs behind ${seams}`));
  visit(file, {
    Identifier: ({ name, start }) => {
      if (httpTypes.has(name)) found.push(finding(file, start, `${name} belongs behind ${seams}`));
    },
  });
  return found;
};
