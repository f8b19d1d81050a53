/**
 * Offset at which a text stops being JSON (RFC 8259): of the first token that cannot stand where it does, or the text's
 * length when it ends too early. For a text that JSON.parse refuses; its own message quotes the text around the fault,
 * which may be a secret.
 */
export function jsonFaultAt(text: string): number {
  const state: State = { open: [], expects: 'value' };
  for (let at = skipSpace(text, 0); at < text.length; ) {
    const end = isScalarStart(text[at]!) ? takeScalar(text, at, state) : takeMark(text[at]!, at, state);
    if (end === undefined) return at;
    at = skipSpace(text, end);
  }
  return text.length;
}

interface State {
  readonly open: ('{' | '[')[];
  expects: 'value' | 'value or close' | 'key' | 'key or close' | 'colon' | 'comma or close' | 'end';
}

/** Takes one of `{ } [ ] : ,`; the offset after it, or undefined when it cannot stand here. */
function takeMark(mark: string, at: number, state: State): number | undefined {
  switch (mark) {
    case '{':
    case '[':
      if (!state.expects.startsWith('value')) return undefined;
      state.open.push(mark);
      state.expects = mark === '{' ? 'key or close' : 'value or close';
      return at + 1;
    case '}':
    case ']': {
      const isOpen = state.open.pop() === (mark === '}' ? '{' : '[');
      if (!isOpen || !state.expects.endsWith('or close')) return undefined;
      state.expects = afterValue(state);
      return at + 1;
    }
    case ',':
      if (state.expects !== 'comma or close') return undefined;
      state.expects = state.open.at(-1) === '{' ? 'key' : 'value';
      return at + 1;
    case ':':
      if (state.expects !== 'colon') return undefined;
      state.expects = 'value';
      return at + 1;
    default:
      return undefined;
  }
}

function takeScalar(text: string, at: number, state: State): number | undefined {
  const end = text[at] === '"' ? stringEnd(text, at) : wordEnd(text, at);
  if (end === undefined) return undefined;
  if (state.expects.startsWith('value')) state.expects = afterValue(state);
  else if (state.expects.startsWith('key') && text[at] === '"') state.expects = 'colon';
  else return undefined;
  return end;
}

function afterValue({ open }: State): State['expects'] {
  return open.length > 0 ? 'comma or close' : 'end';
}

function isScalarStart(character: string): boolean {
  return /["\-0-9tfn]/.test(character);
}

function stringEnd(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') return at + 1;
    if (character < ' ') return undefined;
    if (character !== '\\') continue;
    const escape = /^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(at + 1, at + 6));
    if (escape === null) return undefined;
    at += escape[0].length;
  }
  return undefined;
}

function wordEnd(text: string, start: number): number | undefined {
  const word = /(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null)(?![0-9A-Za-z.+-])/y;
  word.lastIndex = start;
  return word.test(text) ? word.lastIndex : undefined;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t\n\r'.includes(text[at]!)) at += 1;
  return at;
}
