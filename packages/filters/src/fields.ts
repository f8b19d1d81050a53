/** Fields of a head as filters change them: flat, name, value, name, value, in place. */

/** Value of the first field of that name; `lowerName` in lower case. */
export function fieldValue(fields: readonly string[], lowerName: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (isNamed(fields[at]!, lowerName)) return fields[at + 1];
  return undefined;
}

/** Removes every field of that name. */
export function removeField(fields: string[], lowerName: string): void {
  removeFields(fields, lowerName, isNamed);
}

/** Removes every field whose name the test holds for; `lowerName` goes to it as it is. Hot path: most often there is none. */
export function removeFields(
  fields: string[],
  lowerName: string,
  test: (name: string, lowerName: string) => boolean,
): void {
  let to = 0;
  while (to < fields.length && !test(fields[to]!, lowerName)) to += 2;
  if (to >= fields.length) return;
  for (let at = to + 2; at < fields.length; at += 2) {
    if (test(fields[at]!, lowerName)) continue;
    fields[to] = fields[at]!;
    fields[to + 1] = fields[at + 1]!;
    to += 2;
  }
  fields.length = to;
}

/** Puts the field in place of every one of that name. */
export function setField(fields: string[], lowerName: string, value: string): void {
  removeField(fields, lowerName);
  fields.push(lowerName, value);
}

/** Removes what an application may take for the header of that name: CGI and its heirs read `_` as `-`. The name may be spelled either way. */
export function removeLookalikes(fields: string[], lowerName: string): void {
  removeFields(fields, lowerName, looksLike);
}

/** All values of that name, joined as one list (RFC 9110 section 5.3); undefined when there is none. */
export function listValue(fields: readonly string[], lowerName: string): string | undefined {
  let value: string | undefined;
  for (let at = 0; at < fields.length; at += 2)
    if (isNamed(fields[at]!, lowerName))
      value = value === undefined ? fields[at + 1] : `${value}, ${fields[at + 1]!}`;
  return value;
}

/** Says that the response depends on that header of the request (RFC 9110 section 12.5.5), unless it says so already. */
export function addVary(fields: string[], lowerName: string): void {
  const vary = listValue(fields, 'vary');
  if (vary === undefined) {
    fields.push('vary', lowerName);
    return;
  }
  const names = vary.split(',').map((name) => name.trim().toLowerCase());
  if (!names.includes('*') && !names.includes(lowerName)) setField(fields, 'vary', `${vary}, ${lowerName}`);
}

/** RFC 9110 section 5.5: CR, LF and NUL would end a field early, and no other control byte has business in it but a tab. */
export const forbiddenInValue = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** Hot path: most names are in lower case, and most others have another length. */
function isNamed(name: string, lowerName: string): boolean {
  return name === lowerName || (name.length === lowerName.length && name.toLowerCase() === lowerName);
}

/** Hot path: hardly any field is of the length of the name. */
function looksLike(name: string, lowerName: string): boolean {
  if (name.length !== lowerName.length) return false;
  return name === lowerName || withHyphens(name.toLowerCase()) === withHyphens(lowerName);
}

function withHyphens(name: string): string {
  return name.replaceAll('_', '-');
}
