/** A message that is bytes of a type of their own. */
export const httpBody = 'google.api.HttpBody';

export interface RawBody {
  readonly contentType: string;
  readonly bytes: Buffer;
}
