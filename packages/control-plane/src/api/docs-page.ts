import { restPaths } from '@causeway/model/rest';

interface OpenApi {
  info: { title: string; version: string; description: string };
  paths: Record<
    string,
    Record<string, { operationId?: string; responses?: Record<string, { description?: string }> }>
  >;
}

/** A page that lists every call of the admin API. Served from here: no script, nothing from elsewhere. */
export function docsPage(document: object): string {
  const { info, paths } = document as OpenApi;
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const description = operation.responses?.['200']?.description ?? '';
      return `<tr><td>${escape(method.toUpperCase())}</td><td><code>${escape(path)}</code></td><td>${escape(operation.operationId ?? '')}</td><td>${escape(description)}</td></tr>`;
    }),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escape(info.title)}</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top}</style></head>
<body><h1>${escape(info.title)} ${escape(info.version)}</h1><p>${escape(info.description)}</p>
<p>The whole description is at <code>/openapi.json</code>; schemas of kinds at <code>${escape(restPaths.schema('PLURAL'))}</code>.</p>
<table><thead><tr><th>Method</th><th>Path</th><th>Operation</th><th>Answer</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table></body></html>
`;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
