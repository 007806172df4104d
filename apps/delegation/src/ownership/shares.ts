/**
 * How many of all logs an owner should hold: all owners the same, but for one where it does not come out even. Who that
 * is follows from the names, so that owners who see the same agree, and together hold every log once.
 * @param owners who shares, sorted; whoever is not among them holds nothing
 */
export function shareOf(me: string, owners: readonly string[], logs: number): number {
  const nth = owners.indexOf(me);
  if (nth < 0) return 0;
  return Math.floor(logs / owners.length) + (nth < logs % owners.length ? 1 : 0);
}
