import { lowLimits } from './low-limits';
import { simulate, type Outcome } from './simulation';

/** Situations that a few seeds must reach; otherwise their success proves little. */
const FREQUENT: readonly string[] = [
  // content of the log
  'ActionPermitted',
  'ActionDenied',
  'ActionStepUp',
  'ActionCompleted',
  'ActionFailed',
  'ActionAbandoned',
  'ApprovalGiven',
  'ApprovalExpired',
  'DelegationRefused',
  'DriftScored',
  'GrantExhausted',
  'GrantExpired',
  'GrantRevoked',
  'GrantSuperseded',
  'GrantSuspended',
  'Refused',
  'RevocationRuleAdded',
  'TenantBudgetSet',
  'TenantBudgetRemoved',
  'permit from a tenant budget',
  'PolicyDeployed',
  'permit under a deployed policy',
  'RunCompleted',
  'child grant',
  'grant raised',
  'permit under an ancestor',
  'a window used up exactly',
  'previewed',
  // requests and answers
  'command repeated',
  'command retried',
  'a retry returns the first answer',
  // faults
  'message lost',
  'message repeated',
  'message late',
  'process stopped',
  'a clock stepped',
  'takeover',
  'left in order',
  'two instances serve a log',
  'an owner checks its lease',
  'a stale owner gets a request',
  'append refused: conflict',
  'append refused: fenced',
  'append failed',
  'append with unknown result was written',
  'append with unknown result was not written',
  'append with unknown result is written later',
  'read failed',
  'load failed',
  'heartbeat failed',
  'snapshot',
  ...died('append', 'read', 'at', 'heartbeat', 'write'),
  'died before announce',
  'follower died',
  'false commit notification',
  'follower lost the reply to its write',
  'tree head',
];
/** Situations that many seeds must reach in addition. */
const RARE: readonly string[] = [
  'GrantResumed',
  'QuarantineLifted',
  'a count used up exactly',
  'money used up exactly',
  'an approval is used',
  'given up',
  'lease failed',
  'snapshot failed',
  'a stale owner withholds its answer',
  'authority removed by a clock that went back',
  ...died('load', 'search', 'snapshot', 'lease', 'release', 'start'),
];
const SEEDS_FOR_FREQUENT = 60;
const SEEDS_FOR_RARE = 1_000;

function died(...calls: string[]): string[] {
  return calls.flatMap((call) => [`died before ${call}`, `died after ${call}`]);
}

export interface Tally {
  readonly failed: Outcome[];
  readonly reached: Map<string, number>;
  seeds: number;
  events: number;
}

/** Simulates one seed after another. @param each is called after each seed and returns `true` to stop */
export async function simulateMany(
  from: number,
  count: number,
  each: (tally: Tally, outcome: Outcome) => boolean = () => false,
): Promise<Tally> {
  lowLimits();
  const tally: Tally = { failed: [], reached: new Map(), seeds: 0, events: 0 };
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await simulate(seed);
    tally.seeds += 1;
    tally.events += outcome.events;
    for (const [what, times] of outcome.reached) tally.reached.set(what, (tally.reached.get(what) ?? 0) + times);
    if (outcome.failure) tally.failed.push(outcome);
    if (each(tally, outcome)) break;
  }
  return tally;
}

/** Returns the situations that this number of seeds should have reached but did not; none for a few seeds. */
export const neverReached = ({ reached, seeds }: Tally): string[] =>
  [...(seeds >= SEEDS_FOR_FREQUENT ? FREQUENT : []), ...(seeds >= SEEDS_FOR_RARE ? RARE : [])].filter(
    (what) => !reached.has(what),
  );

const LAST_STEPS = 30;

/** Describes why a seed failed, the steps before the failure, and how to replay it. */
export function report({ seed, failure, history }: Outcome): string {
  return [
    `seed ${seed} failed: ${failure?.message ?? ''}`,
    'its last steps:',
    ...history.slice(-LAST_STEPS).map((line) => `  ${line}`),
    `replay it with: npm run simulate -- --seed ${seed}`,
  ].join('\n');
}
