/** Media types of gRPC and gRPC-Web (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md). */

export interface GrpcType {
  readonly isWeb: boolean;
  /** In base64 all through. */
  readonly isText: boolean;
  /** How messages are written, such as `+proto`; or empty. */
  readonly suffix: string;
}

const grpcType = /^application\/grpc(?:(-web)(-text)?)?(\+[a-z0-9.+-]*)?(?:$|[; ])/i;

/** Undefined: it is none of them. */
export function grpcTypeOf(contentType: string | undefined): GrpcType | undefined {
  const [known, web, text, suffix = ''] = grpcType.exec(contentType ?? '') ?? [];
  if (known === undefined) return undefined;
  return { isWeb: web !== undefined, isText: text !== undefined, suffix };
}

/** Whether who calls by this type of gRPC-Web wants the answer as text: by Accept, where it speaks of that. */
export function wantsText(type: GrpcType, accept: string | undefined): boolean {
  const [named, text] = /application\/grpc-web(-text)?/i.exec(accept ?? '') ?? [];
  return named === undefined ? type.isText : text !== undefined;
}
