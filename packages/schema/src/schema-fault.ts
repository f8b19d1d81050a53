/** What is wrong with a schema. */
export class SchemaFault extends Error {
  /** JSON Pointer into the schema or its document, as near as is known. */
  readonly pointer: string;

  constructor(message: string, pointer = '') {
    super(message);
    this.pointer = pointer;
  }
}
