/** Which of the 16,384 slots of a Redis Cluster a key is in (Redis Cluster Specification, "Key distribution model"). */

const slots = 16_384;
const polynomial = 0x1021;

const table = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 0x8000 ? (crc << 1) ^ polynomial : crc << 1;
  return crc;
});

/** Of the text of a key, or of what stands in its braces; ASCII. */
export function hashSlot(text: string): number {
  let crc = 0;
  for (let at = 0; at < text.length; at += 1)
    crc = ((crc << 8) & 0xffff) ^ table[((crc >> 8) ^ text.charCodeAt(at)) & 0xff]!;
  return crc % slots;
}
