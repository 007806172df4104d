import {
  EFFECTS,
  RISKS,
  type Condition,
  type Effect,
  type Permission,
  type Risk,
  type Selector,
} from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { ADDRESSES, TOOL_TYPE } from './call-of-tool';
import { isAddressed, tiesOf, type Tie } from './conditions';
import { askedEntry, isRead, rulesOfDoubt } from './doubts';
import { grantOf, type DerivedLease, type DerivedPermission } from './derived-lease';
import { classNovelty, evidenceOf, type ClassNovelty, type VerbEvidence } from './evidence';
import { patternsOf } from './ids';
import { budgetOf, withMargin } from './margins';
import type { RecordedCall, RecordedRun } from './recorded-run';

export interface DeriveOptions {
  /** how well attributes are predicted in all runs of the class; left out: in the runs that the lease is derived from */
  readonly novelty?: ClassNovelty;
  /** verbs that only read, of other runs of the class, that the lease also has; left out: none */
  readonly reads?: ReadonlySet<string>;
  /** a person is asked about what is near to what the runs did: other values, and `reads` once the task has started */
  readonly asks?: boolean;
}

/**
 * Derives the smallest lease that would have admitted clean runs of one task, with margins. Its verbs are those that
 * completed in a run, each tied to its resources; what only reads is tied to resources alone, what has an effect also to
 * the attributes that other runs predict. It is a pure function of the runs: the same runs give the same lease.
 */
export function deriveLease(runs: readonly RecordedRun[], options: DeriveOptions = {}): DerivedLease {
  const novelty = options.novelty ?? classNovelty(runs);
  const evidence = evidenceOf(runs).sort((a, b) => b.runs - a.runs || a.verb.localeCompare(b.verb));
  // the conditions of a lease are bounded in size: those of most runs stay
  for (const mostValues of [48, 24, 12, 6]) {
    const lease = leaseOf(runs, evidence, { ...options, novelty }, mostValues);
    if (JSON.stringify(grantOf(lease)).length <= MOST_BYTES || mostValues === 6) return lease;
  }
  throw new Error('unreachable');
}
/** Limits name more than the request does. */
const MOST_BYTES = LIMITS.grantBytes - 2_000;

function leaseOf(
  runs: readonly RecordedRun[],
  evidence: readonly VerbEvidence[],
  { novelty, reads = new Set(), asks = false }: DeriveOptions & { novelty: ClassNovelty },
  mostValues: number,
): DerivedLease {
  const task = runs[0]?.task ?? '';
  const permissions = evidence
    .slice(0, (LIMITS.permissionsPerGrant - 1) / (asks ? 2 : 1))
    .flatMap((each) =>
      permissionsOf(each, runs.every((run) => run.task === task) ? task : '', { novelty, mostValues, asks }),
    )
    // if no value of an attribute can be written, nothing is admitted
    .filter(({ entry }) => entry.resources.length > 0);
  const others = [...reads].filter((verb) => !evidence.some((each) => each.verb === verb)).sort();
  const calls = runs.flatMap((run) => run.calls.filter(({ completed }) => completed));
  return {
    runs: runs.length,
    permissions: others.length === 0 ? permissions : [...permissions, readsOfClass(others)],
    rules: asks ? rulesOfDoubt(runs[0]?.agentClass ?? '', runs, evidence, others) : [],
    mode: calls.some(({ stage }) => stage === 'execute')
      ? 'execute'
      : calls.some(({ stage }) => stage === 'propose')
        ? 'propose'
        : 'draft',
    ...budgetOf(runs),
    ttl: ttlOf(runs),
    risk: { ceiling: riskOf(calls), approvalFrom: 'irreversible' },
    sequences: sequencesOf(runs),
  };
}

function permissionsOf(
  evidence: VerbEvidence,
  task: string,
  { novelty, mostValues, asks }: { novelty: ClassNovelty; mostValues: number; asks: boolean },
): DerivedPermission[] {
  const ties = tiesOf(evidence, novelty, task, { mostValues, isRead: isRead(evidence), asks });
  const known = permissionOf(evidence, ties);
  const asked = asks ? askedEntry(known.entry, ties) : undefined;
  return asked === undefined
    ? [known]
    : [known, { entry: asked, runs: 0, says: ['asks a person: other values than the runs had, or more calls'] }];
}

function permissionOf(evidence: VerbEvidence, ties: readonly Tie[]): DerivedPermission {
  const { verb, type, runs, most, calls } = evidence;
  const { patterns, says } = patternsOf(evidence.ids);
  const places = patterns.map((match): Selector => ({
    type,
    match,
    ...(NEEDS_LITERAL.test(match) ? { literal: true } : {}),
  }));
  const entry: Permission = {
    actions: [verb],
    resources: places.flatMap((place) => withTies(place, ties)).slice(0, LIMITS.selectorsPerGrant),
    ...(isRead(evidence) ? {} : { calls: withMargin(most) }),
  };
  if (type !== TOOL_TYPE) return { entry, runs, says: [says, ...ties.map((each) => each.says)] };
  const effects = EFFECTS.filter((effect) => calls.some((call) => call.effects.includes(effect)));
  const tool = { effects, risk: riskOf(calls), attributes: ties.map(({ attribute }) => attribute) };
  return { entry, runs, says: ties.map((each) => each.says), tool };
}
const riskOf = (calls: readonly RecordedCall[]): Risk =>
  RISKS.findLast((risk) => calls.some((call) => call.risk === risk)) ?? 'low';

/** Characters that have a meaning in other pattern languages. */
const NEEDS_LITERAL = /[^\p{L}\p{N}_@.:/*-]/u;

/** Returns a selector for each combination of alternatives; with too many, only the first alternative of each counts. */
function withTies(place: Selector, ties: readonly Tie[]): Selector[] {
  if (ties.length === 0) return [place];
  const combinations = ties.reduce((product, { alternatives }) => product * alternatives.length, 1);
  let wheres: Record<string, Condition>[] = [{}];
  for (const { attribute, alternatives } of ties) {
    const few = combinations > MOST_SELECTORS ? alternatives.slice(0, 1) : alternatives;
    wheres = wheres.flatMap((where) => few.map((each) => ({ ...where, [attribute]: each })));
  }
  return wheres.map((where) => ({ ...place, where }));
}
const MOST_SELECTORS = 24;

const readsOfClass = (verbs: readonly string[]): DerivedPermission => ({
  entry: {
    actions: verbs.slice(0, LIMITS.patternsPerList),
    resources: ['**', '/**', 'https://**', 'http://**'].map((match) => ({ type: '*', match })),
  },
  runs: 0,
  says: ['only read, in other runs of the class'],
});

/** Twice the longest run, in minutes; at least five. */
function ttlOf(runs: readonly RecordedRun[]): string | undefined {
  const longest = Math.max(...runs.map(({ durationMs = -1 }) => durationMs));
  return longest < 0 ? undefined : `${Math.min(Math.max(5, Math.ceil((longest * 2) / 60_000)), 30 * 24 * 60)}m`;
}

/** Returns what the runs did in order, without repetitions: the three most frequent sequences. */
function sequencesOf(runs: readonly RecordedRun[]): DerivedLease['sequences'] {
  const counts = new Map<string, number>();
  for (const { calls } of runs) {
    const steps = calls.map(stepOf).filter((step, i, all) => step !== all[i - 1]);
    const text = steps.slice(0, 12).join(', then ') || 'nothing';
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts]
    .sort(([a, x], [b, y]) => y - x || a.localeCompare(b))
    .slice(0, 3)
    .map(([steps, of]) => ({ steps, runs: of }));
}

const stepOf = ({ effects, stage }: RecordedCall): string => {
  const strongest = effects[effects.length - 1] as Effect;
  return strongest === 'read' ? 'read' : stage === 'execute' ? strongest : `${stage} (${strongest})`;
};

/**
 * Returns the verbs of runs that only read, and of whose calls no argument is an address: what a lease may also have of its
 * class.
 */
export function readsIn(runs: readonly RecordedRun[]): Set<string> {
  const reads = evidenceOf(runs).filter(
    ({ calls, attributes }) =>
      calls.every(({ effects }) => effects.every((each) => each === 'read')) &&
      ![...attributes].some(([name, each]) => name !== ADDRESSES && isAddressed(each)),
  );
  return new Set(reads.map(({ verb }) => verb));
}
