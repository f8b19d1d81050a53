/** What a worker asks of an OpenID provider: its supervisor asks for all workers, and knows the client's secret. */

/** `provider`: "namespace/name" of the AuthProvider. */
export type ProviderQuestion = { readonly provider: string } & (
  | { readonly ask: 'endpoints' }
  | {
      readonly ask: 'code';
      readonly code: string;
      readonly codeVerifier: string;
      readonly redirectUri: string;
    }
  | { readonly ask: 'refresh'; readonly refreshToken: string }
);

/** Where browsers are sent. */
export interface ProviderEndpoints {
  readonly authorization: string;
  /** Undefined: the provider cannot be told that somebody logs out. */
  readonly endSession: string | undefined;
}

/** RFC 6749 section 5.1 and OpenID Connect Core section 3.1.3.3. */
export interface GrantedTokens {
  readonly accessToken: string;
  readonly idToken: string | undefined;
  readonly refreshToken: string | undefined;
  /** Undefined: it does not say. */
  readonly lifeSeconds: number | undefined;
  /** Undefined: those that were asked for. */
  readonly scope: string | undefined;
}

/** `refused`: the code or the refresh token is not good (any more); `unavailable`: nobody knows. */
export interface ProviderFault {
  readonly fault: 'refused' | 'unavailable';
}

export type ProviderAnswer =
  | { readonly endpoints: ProviderEndpoints }
  | { readonly tokens: GrantedTokens }
  | ProviderFault;

export type AskProvider = (question: ProviderQuestion) => Promise<ProviderAnswer>;
