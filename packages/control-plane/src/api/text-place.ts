/** Where an offset is in a text, as people count: `line 3, column 7`. */
export function textPlace(text: string, offset: number): string {
  let line = 1;
  let lineStart = 0;
  for (
    let at = text.indexOf('\n');
    at !== -1 && at < offset;
    lineStart = at + 1, at = text.indexOf('\n', lineStart)
  )
    line += 1;
  return `line ${line}, column ${offset - lineStart + 1}`;
}
