import { RE2JS } from 're2js';

interface LinearRegExp {
  test(text: string): boolean;
  toString(): string;
}

/** Patterns of schemas, found anywhere in a text, in time linear in its length. Throws for what RE2 does not have: look-around and back-references. */
export function linearRegExp(pattern: string): LinearRegExp {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  // Ajv tells patterns apart by their texts.
  return { test: (text) => compiled.matcher(text).find(), toString: () => pattern };
}

// Ajv writes this into code that it generates, and never uses it where nothing is generated for export.
linearRegExp.code = 'linearRegExp';
