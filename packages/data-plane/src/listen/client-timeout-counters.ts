/** Connections that were ended because the client took too long, by the Gateway's field; read at each scrape. */

export class ClientTimeoutCounters {
  keepAlive = 0;
  requestHead = 0;
  tlsHandshake = 0;
}
