/** The end of a key, as the API shows it: times in RFC 3339. */
export interface KeyEnds {
  readonly revokedAt?: string | undefined;
  readonly expiresAt?: string | undefined;
}

/** Reports whether a key can still be used: it is neither revoked nor expired. @param now in ms */
export const isValidKey = ({ revokedAt, expiresAt }: KeyEnds, now: number): boolean =>
  revokedAt === undefined && (expiresAt === undefined || Date.parse(expiresAt) > now);
