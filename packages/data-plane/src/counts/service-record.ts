/** What the threads of a node know together of one Service; its key is `namespace/name`. */

/** Words that all of them change. */
export const ServiceWord = {
  /** One more whenever the health or the ejection of one of its endpoints has changed. */
  epoch: 0,
  /** Endpoints that are ejected. */
  ejected: 1,
} as const;

/** Words of each worker. */
export const ServiceOwnWord = {
  /** Tries that are not over. */
  active: 0,
  /** Those among them that are not the first of their exchange. */
  retries: 1,
} as const;

export const serviceLayout = {
  commonWords: Object.keys(ServiceWord).length,
  ownWords: Object.keys(ServiceOwnWord).length,
};
