import { apiVersion } from '@causeway/model/resource';
import { Document, Scalar, visit } from 'yaml';
import { printable } from './printable.ts';

/**
 * One document. Strings that YAML 1.1 would read as something else (times, `no`) are quoted, because other people's tools
 * read YAML 1.1.
 */
export function renderDocument(value: unknown, format: 'json' | 'yaml'): string {
  return printable(format === 'json' ? JSON.stringify(value, undefined, 2) : yamlText(value));
}

/** Several objects as one document, which can be applied again. */
export function listDocument(items: readonly unknown[]): unknown {
  return { apiVersion, kind: 'List', items };
}

function yamlText(value: unknown): string {
  const document = new Document(value, { compat: 'yaml-1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_key, node) {
      // Escapes are read back in double quotes only.
      if (typeof node.value === 'string' && printable(node.value) !== node.value)
        node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0 }).trimEnd();
}
