import { lowLimits } from './limits';
import { simulate, type Outcome } from './simulation';

/** What some seeds must have met, or their passing says little. */
const OFTEN: readonly string[] = [
  // what the log holds
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
  'RunCompleted',
  'child grant',
  'grant raised',
  'permit under an ancestor',
  'a window to the last',
  'previewed',
  // what clients do and are told
  'asked again',
  'sent again',
  'a retry is told the first answer',
  // what went wrong
  'message lost',
  'message repeated',
  'message late',
  'stood still',
  'a clock stepped',
  'takeover',
  'left in order',
  'two serve a log',
  'an owner asks whether it still is one',
  'a stale owner is asked',
  'append refused: conflict',
  'append refused: fenced',
  'append failed',
  'append that nobody knows of was written',
  'append that nobody knows of was not written',
  'append that nobody knows of is written later',
  'read failed',
  'load failed',
  'heartbeat failed',
  'snapshot',
  ...died('append', 'read', 'at', 'heartbeat', 'write'),
  'died before announce',
  'follower died',
  'news that is none',
  'follower did not hear that it had written',
  'tree head',
];
/** and many seeds this as well */
const RARE: readonly string[] = [
  'GrantResumed',
  'QuarantineLifted',
  'a count to the last',
  'money to the last',
  'an approval is used',
  'given up',
  'lease failed',
  'snapshot failed',
  'a stale owner keeps its answer',
  'tightened by a clock that went back',
  ...died('load', 'search', 'snapshot', 'lease', 'release', 'start'),
];
const SOME = 60;
const MANY = 1_000;

function died(...calls: string[]): string[] {
  return calls.flatMap((call) => [`died before ${call}`, `died after ${call}`]);
}

export interface Tally {
  readonly failed: Outcome[];
  readonly reached: Map<string, number>;
  seeds: number;
  events: number;
}

/** Simulates seeds one after the other. @param each is told of each, and ends it with `true` */
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

/** What so many seeds should have met and did not; of a few nothing is asked. */
export const neverReached = ({ reached, seeds }: Tally): string[] =>
  [...(seeds >= SOME ? OFTEN : []), ...(seeds >= MANY ? RARE : [])].filter((what) => !reached.has(what));

const LAST_STEPS = 30;

/** Why a seed failed, what happened just before, and how to see it again. */
export function report({ seed, failure, history }: Outcome): string {
  return [
    `seed ${seed} failed: ${failure?.message ?? ''}`,
    'its last steps:',
    ...history.slice(-LAST_STEPS).map((line) => `  ${line}`),
    `replay it with: npm run simulate -- --seed ${seed}`,
  ].join('\n');
}
