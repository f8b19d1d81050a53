import { styleText } from 'node:util';
import { printableLine } from './printable.ts';

/** A list is cut in a narrow table and whole in a wide one. */
export type Cell = string | readonly string[];

export interface TableOptions {
  /** Default true. */
  headers?: boolean;
  /** Lists whole; default false. */
  wide?: boolean;
  /** Colours the column STATUS; default false. */
  colours?: boolean;
  /** Before every line. */
  indent?: string;
}

const gap = '   ';
const listEntriesMax = 3;

/**
 * Columns three spaces apart, as wide as the widest cell, without trailing blanks. An empty cell is `-`, except in the
 * last column. Cells are somebody else's text and made harmless.
 */
export function renderTable(
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions = {},
): string {
  const { headers = true, wide = false, colours = false, indent = '' } = options;
  const body = rows.map((row) => row.map((cell) => cellText(cell, wide)));
  const lines = headers ? [[...titles], ...body] : body;
  const widths = titles.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, widthOf(line[column] ?? '')), 0),
  );
  const statusColumn = colours ? titles.indexOf('STATUS') : -1;
  return lines
    .map((line, index) => {
      const cells = line.map((cell, column) => {
        const padding = ' '.repeat(widths[column]! - widthOf(cell));
        const isStatus = column === statusColumn && !(headers && index === 0);
        return (isStatus ? coloured(cell) : cell) + padding;
      });
      return (indent + cells.join(gap)).trimEnd();
    })
    .join('\n');
}

function cellText(cell: Cell, wide: boolean): string {
  const text = typeof cell === 'string' ? cell : wide ? cell.join(',') : cutList(cell);
  return text === '' ? '-' : printableLine(text);
}

/** `a,b,c +2` */
export function cutList(entries: readonly string[], most = listEntriesMax): string {
  const shown = entries.slice(0, most).join(',');
  return entries.length > most ? `${shown} +${entries.length - most}` : shown;
}

/** Code points, which is what a terminal counts for the scripts that names are written in. */
function widthOf(text: string): number {
  let width = 0;
  for (const _ of text) width++;
  return width;
}

const good = new Set(['Programmed', 'SYNCED', 'APPLIED', 'Accepted', 'True']);
const waiting = new Set(['Pending', 'PENDING', 'STALE', 'Degraded', 'SUPERSEDED']);

function coloured(status: string): string {
  const colour = good.has(status) ? 'green' : waiting.has(status) ? 'yellow' : 'red';
  // The caller has looked at the stream and at NO_COLOR.
  return styleText(colour, status, { validateStream: false });
}
