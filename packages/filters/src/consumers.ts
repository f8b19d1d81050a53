/** Whom a node knows: the Consumers of the table that an exchange is held under. */

/** A Consumer, found by something that stands for it. */
export interface KnownConsumer {
  readonly namespace: string;
  readonly name: string;
  readonly groups: readonly string[];
  /** Whoever it is, it may not call. */
  readonly disabled: boolean;
  /** Absent: it is held to nothing. The same object as long as the Consumer does not change. */
  readonly limits?: ConsumerLimits | undefined;
}

/** What a Consumer may over all Routes together. */
export interface ConsumerLimits {
  /** Of the Consumer, "namespace/name". */
  readonly consumer: string;
  readonly rates: readonly ConsumerRate[];
  readonly quotas: readonly ConsumerQuota[];
}

export interface ConsumerRate {
  readonly name: string;
  readonly requests: number;
  readonly perSeconds: number;
  readonly burst: number;
  /** Counted by all nodes of the Gateway together. */
  readonly isShared: boolean;
}

export interface ConsumerQuota {
  readonly name: string;
  readonly requests: number;
  readonly per: 'day' | 'month';
  readonly timeZone: string;
}

/** A key whose use is told, now and then. */
export interface KeyUse {
  readonly hash: Uint8Array;
  /** When it was told last, in milliseconds since 1970; kept by who tells it. */
  toldMs: number;
}

export interface KnownKey {
  readonly consumer: KnownConsumer;
  /** Milliseconds since 1970; Infinity: never. */
  readonly expiresAtMs: number;
  readonly isDisabled: boolean;
  /** Undefined: nobody is told. */
  readonly use: KeyUse | undefined;
}

export interface KnownPassword {
  readonly consumer: KnownConsumer;
  readonly stored: StoredPassword;
}

/** What is known of a password: scrypt (RFC 7914) with r = 8 and p = 1. */
export interface StoredPassword {
  readonly salt: Uint8Array;
  readonly costLog2: number;
  readonly hash: Uint8Array;
}

/** What a TLS client has shown, and what was verified. */
export interface ShownCertificate {
  /** Distinguished name, `CN=ci, O=Example`; empty when there is none. */
  readonly subject: string;
  /** `dns:a.example`, `uri:spiffe://a/b`, `email:a@example`, in the order of the certificate. */
  readonly alternativeNames: readonly string[];
  /** Lower-case hex. */
  readonly sha256: string;
}

/** Names and values are those of one namespace: that of the object in which the filter is written. Texts of requests are byte strings, those of claims are not. */
export interface ConsumerLookup {
  byKey(namespace: string, key: string): KnownKey | undefined;
  byUsername(namespace: string, username: string): KnownPassword | undefined;
  /** By its fingerprint, else by an alternative name, else by its subject. */
  byCertificate(namespace: string, certificate: ShownCertificate): KnownConsumer | undefined;
  /** By what a token's claim says; `provider` is the name of an AuthProvider of the namespace. */
  byToken(namespace: string, provider: string, value: string): KnownConsumer | undefined;
}

export const noConsumers: ConsumerLookup = {
  byKey: () => undefined,
  byUsername: () => undefined,
  byCertificate: () => undefined,
  byToken: () => undefined,
};
