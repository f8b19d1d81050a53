/**
 * The first key that stands twice in one object of a JSON text, or undefined. JSON.parse lets the last one win, another
 * reader lets the first, and what one of them checked is then not what the other used. The text must be valid JSON.
 */
export function duplicateKey(text: string): string | undefined {
  // One entry per open container: the keys seen of an object, undefined for an array.
  const open: (Set<string> | undefined)[] = [];
  let at = 0;
  let expectsKey = false;
  while (at < text.length) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      const keys = open.at(-1);
      if (expectsKey && keys) {
        const key = JSON.parse(text.slice(at, end)) as string;
        if (keys.has(key)) return key;
        keys.add(key);
        expectsKey = false;
      }
      at = end;
      continue;
    }
    if (character === '{') {
      open.push(new Set());
      expectsKey = true;
    } else if (character === '[') {
      open.push(undefined);
    } else if (character === '}' || character === ']') {
      open.pop();
      expectsKey = false;
    } else if (character === ',') {
      expectsKey = open.at(-1) !== undefined;
    }
    at += 1;
  }
  return undefined;
}

function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
