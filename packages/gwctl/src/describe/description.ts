import { printable, printableLine } from '../output/printable.ts';

export interface Section {
  title: string;
  lines: readonly string[];
  /** Stands right below what is before it, without an empty line. */
  close?: boolean;
}

/** What `describe` says about one object: fields, then sections. A field without a text is left out. */
export interface Description {
  fields: readonly (readonly [label: string, text: string | undefined])[];
  sections: readonly Section[];
}

/** Values stand in one column; a section without lines is left out. */
export function renderDescription({ fields, sections }: Description): string {
  const shown = fields.filter(([, text]) => text !== undefined);
  const width = Math.max(0, ...shown.map(([label]) => label.length)) + 2;
  return [
    ...shown.map(([label, text]) => `${`${label}:`.padEnd(width)}${printableLine(text || '-')}`.trimEnd()),
    ...sections
      .filter(({ lines }) => lines.length > 0)
      .flatMap(({ title, lines, close }) => [
        ...(close === true ? [] : ['']),
        `${title}:`,
        ...lines.map((line) => printable(`  ${line}`)),
      ]),
  ].join('\n');
}

/** `a=b,c=d` */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}
