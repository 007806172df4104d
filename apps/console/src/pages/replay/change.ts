import type { ReplayRequest } from '@bailiwick/contracts/replay/replay';

/** The fields of the form; each text is empty if it changes nothing. */
export interface Fields {
  readonly approvalFrom: string;
  readonly ceiling: string;
  readonly version: string;
  readonly stepUpAt: string;
  readonly suspendAt: string;
  /** the class of agents whose leases change; empty: every lease */
  readonly agentClass: string;
  readonly lease: 'same' | 'withhold' | 'limit';
  readonly calls: string;
  /** patterns of verbs, one per line, that replace those of the lease, or are denied in addition */
  readonly allow: string;
  readonly deny: string;
  readonly scope: 'tree' | 'log';
}

export const NO_CHANGE: Fields = {
  approvalFrom: '',
  ceiling: '',
  version: '',
  stepUpAt: '',
  suspendAt: '',
  agentClass: '',
  lease: 'same',
  calls: '',
  allow: '',
  deny: '',
  scope: 'tree',
};

/** Decisions of the log that are decided again if the scope is the log. */
const LAST = 10_000;
const PAGE = 200;

/** The request that a form stands for; undefined if it changes nothing. */
export function requestOf(fields: Fields, treeId: string): ReplayRequest | undefined {
  const policy = given({
    approvalFrom: fields.approvalFrom || undefined,
    ceiling: fields.ceiling || undefined,
    version: numberOf(fields.version),
  });
  const drift = given({ stepUpAt: numberOf(fields.stepUpAt), suspendAt: numberOf(fields.suspendAt) });
  const grant = grantOf(fields);
  const change = given({ policy, drift, grant });
  if (!change) return undefined;
  const scope = fields.scope === 'tree' ? { treeId } : { last: LAST };
  return { ...scope, change, limit: PAGE } as ReplayRequest;
}

function grantOf(fields: Fields): object | undefined {
  if (fields.lease === 'same') return undefined;
  const select = fields.agentClass === '' ? {} : { select: { agentClass: fields.agentClass } };
  if (fields.lease === 'withhold') return { ...select, withhold: true };
  const limits = given({
    budget: given({ calls: numberOf(fields.calls) }),
    actions: given({ allow: linesOf(fields.allow), deny: linesOf(fields.deny) }),
  });
  return limits && { ...select, limits };
}

const numberOf = (text: string): number | undefined => (text.trim() === '' ? undefined : Number(text));

function linesOf(text: string): string[] | undefined {
  const lines = text.split('\n').flatMap((line) => line.trim() || []);
  return lines.length === 0 ? undefined : lines;
}

/** The members that have a value; undefined if none has. */
function given<T extends object>(members: T): T | undefined {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as T);
}
