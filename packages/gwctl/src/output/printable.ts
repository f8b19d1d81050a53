/** Whatever a terminal would take as a command, bidirectional overrides included; the line feed and the tab are harmless. */
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text of somebody else's making, safe to write to a terminal: control characters stand as escapes such as `\u001b`, so
 * that a label or an error message can neither move the cursor nor forge a line. JSON and double-quoted YAML read the
 * escapes back.
 */
export function printable(text: string): string {
  return text.replace(controls, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same for text that must stay on one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n').replaceAll('\t', '\\t');
}
