// docs/http-conformance.md, from the tables that the cases are held to.

import type { Decision } from './decisions.ts';

const heading = `# HTTP/1.1: what was decided

What the RFCs demand is done; where something is ambiguous it is refused, not repaired. This page lists what they leave to an
implementation, and what Causeway does. Each line names the cases in \`test/conformance/cases\` that hold it, against a running
node, byte by byte. The page is written by \`UPDATE_GOLDEN=1 node --test test/conformance/document.test.ts\`.
`;

const noDeviations = `
## Where we do other than preferred

Every SHOULD of the cases is followed. Via (RFC 9110 section 7.6.3) is sent only where \`forwarding.via\` asks for it, as by other
gateways: it tells both sides what stands between them.
`;

/** Decisions that say the same are one line. */
export function conformanceDocument(
  decisions: readonly Decision[],
  deviations: readonly Decision[],
  counts: string,
): string {
  const left = `\n## Left to implementations\n\n${table(decisions)}`;
  const others =
    deviations.length === 0 ? noDeviations : `\n## Where we do other than preferred\n\n${table(deviations)}`;
  return `${heading}\n${counts}\n${left}${others}`;
}

function table(rows: readonly Decision[]): string {
  const lines = [...Map.groupBy(rows, ({ what }) => what)].map(
    ([what, same]) => `| ${what} | ${same[0]!.why} | ${same.map(({ id }) => id).join(', ')} |`,
  );
  return `| what | why | cases |\n|---|---|---|\n${lines.join('\n')}\n`;
}
