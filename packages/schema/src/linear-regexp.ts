import { RE2JS } from 're2js';
import { spendPatternWork } from './budget.ts';

interface LinearRegExp {
  test(text: string): boolean;
  toString(): string;
}

/** Patterns of schemas, found anywhere in a text, in time linear in its length. Throws for what RE2 does not have: look-around and back-references. */
export function linearRegExp(pattern: string): LinearRegExp {
  const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
  const size = compiled.programSize();
  return {
    test: (text) => {
      spendPatternWork(text.length * size);
      // Hot path: where a match stands is of no interest, which spares most of the time.
      return compiled.test(text);
    },
    // Ajv tells patterns apart by their texts.
    toString: () => pattern,
  };
}

// Ajv writes this into code that it generates, and never uses it where nothing is generated for export.
linearRegExp.code = 'linearRegExp';
