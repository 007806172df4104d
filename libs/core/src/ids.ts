/** Prefixes of ids, by kind. */
export const ID_PREFIX = {
  run: 'run',
  grant: 'grt',
  tree: 'tre',
  action: 'act',
  approval: 'apr',
  revocation: 'rev',
  event: 'evt',
} as const;
export type IdKind = keyof typeof ID_PREFIX;

const ID = /^(run|grt|tre|act|apr|rev|evt)_([0-9a-z]{1,4})_[0-9a-z]{26}$/;

/** Returns the log number in an id; undefined if it is not a Bailiwick id. */
export function logNumberOf(id: string): number | undefined {
  const match = ID.exec(id);
  return match ? parseInt(match[2] as string, 36) : undefined;
}

export function isId(kind: IdKind, id: string): boolean {
  return ID.test(id) && id.startsWith(`${ID_PREFIX[kind]}_`);
}

/** Names a log `<tenant>/<n>`. */
export function logName(tenant: string, n: number): string {
  return `${tenant}/${n}`;
}

export function parseLogName(log: string): { tenant: string; n: number } {
  const match = /^([a-z0-9][a-z0-9-]{0,62})\/(\d{1,6})$/.exec(log);
  if (!match) throw new Error(`not a log name: ${JSON.stringify(log)} (want <tenant>/<number>)`);
  return { tenant: match[1] as string, n: Number(match[2]) };
}
