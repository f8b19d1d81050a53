/**
 * Networks that no upstream may be in, whatever a user writes and whatever a name resolves to; both planes refuse them.
 * Link-local (RFC 3927, RFC 4291), where clouds hand credentials to whoever asks (AWS, Azure and Google at
 * 169.254.169.254), the metadata services elsewhere (AWS IPv6, Alibaba, Oracle), and the unspecified addresses.
 */
export const forbiddenUpstreamNetworks: readonly string[] = [
  '169.254.0.0/16',
  'fe80::/10',
  'fd00:ec2::254',
  '100.100.100.200',
  '192.0.0.192',
  '0.0.0.0/8',
  '::',
];
