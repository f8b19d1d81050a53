/** A JSON log line turned into one that reads well on a terminal. */

/** `04:10:00.123 warn  message key=value`; a stack follows on lines of its own. What is no JSON object stays as it is. */
export function formatLogLine(line: string): string {
  const record = parseRecord(line);
  if (record === undefined) return line;
  const { time, level, msg, err, ...fields } = record;
  const clockTime = typeof time === 'string' ? time.slice('2026-01-01T'.length, -'Z'.length) : '';
  const parts = [clockTime, textOf(level).padEnd('error'.length), textOf(msg)];
  for (const [key, value] of Object.entries(fields)) parts.push(`${key}=${textOf(value)}`);
  return `${parts.filter((part) => part !== '').join(' ')}${stackOf(err)}\n`;
}

/** The fields of a JSON log line, undefined when it is none. */
export function parseRecord(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    // A line that begins with a brace is a JSON object or no JSON.
    const record: Record<string, unknown> = JSON.parse(line);
    return record;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function stackOf(err: unknown): string {
  if (err === undefined || err === null) return '';
  const stack = typeof err === 'object' && 'stack' in err ? err.stack : err;
  return `\n    ${textOf(stack).replaceAll('\n', '\n    ')}`;
}
