/** The one frame that the runtime does not send for us. */

const headerBytes = 9;
const payloadBytes = 8;
const goawayType = 7;
const lastStreamId = 0x7fff_ffff;

/** GOAWAY with NO_ERROR for no stream yet: a connection is about to end, and none of its requests is lost (RFC 9113 section 6.8). */
export const shutdownNotice: Buffer = Buffer.alloc(headerBytes + payloadBytes);
shutdownNotice.writeUIntBE(payloadBytes, 0, 3);
shutdownNotice.writeUInt8(goawayType, 3);
shutdownNotice.writeUInt32BE(lastStreamId, headerBytes);
