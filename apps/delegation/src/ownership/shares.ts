/**
 * Returns the number of logs that an owner should hold. Shares differ by at most one; the names decide which owners hold
 * one more, so that owners with the same view agree and together hold each log once.
 * @param owners all owners that take logs, sorted; a process that is not among them holds none
 */
export function shareOf(me: string, owners: readonly string[], logs: number): number {
  const nth = owners.indexOf(me);
  if (nth < 0) return 0;
  return Math.floor(logs / owners.length) + (nth < logs % owners.length ? 1 : 0);
}
