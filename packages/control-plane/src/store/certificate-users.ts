/** Which references to a Certificate show it as one's own, and so need its key. */

/** As references of Services and Gateways point: `tls.clientCertificate`, and `tls.certificates` of a listener. */
export function showsOwn(pointer: string): boolean {
  return pointer.endsWith('/tls/clientCertificate') || /\/tls\/certificates\/\d+$/.test(pointer);
}
