import type { Feature } from '@bailiwick/contracts/event';
import {
  Look,
  breadth,
  echo,
  novelty,
  probing,
  provenance,
  repetition,
  strangeness,
  unasked,
  type Finding,
} from './features';
import type { Call, History } from './memory';
import { DRIFT_LIMITS } from './limits';

/** What the scores of this version mean is told with every one of them. A change of a weight is a new version. */
export const MONITOR = 'structural/2';

/**
 * The features and what each can make of a score by itself, at most. Structure and provenance weigh most, the
 * likeness of words least.
 */
export const WEIGHTS: readonly {
  readonly name: string;
  readonly weight: number;
  readonly of: (look: Look) => Finding;
}[] = [
  { name: 'instruction-echo', weight: 0.7, of: echo },
  { name: 'breadth', weight: 0.75, of: breadth },
  { name: 'unasked-effect', weight: 0.4, of: unasked },
  { name: 'refused-and-on', weight: 0.6, of: probing },
  { name: 'value-from-result', weight: 0.25, of: provenance },
  { name: 'repetition', weight: 0.15, of: repetition },
  { name: 'new-kind', weight: 0.1, of: novelty },
  { name: 'strange-words', weight: 0.05, of: strangeness },
];

export interface Score {
  /** 0..1 */
  readonly score: number;
  /** those that contribute, the largest first; the contributions add up to the score */
  readonly features: readonly Sign[];
}
/** A feature, and what it says in the words of arguments and results, where it has any to quote. */
export type Sign = Feature & { readonly quotes?: string };

/** What of a score may stand in an event: nothing in the words of arguments and results. */
export const withoutWords = (features: readonly Sign[]): Feature[] =>
  features.map(({ name, contribution, says }) => ({ name, contribution, says }));

/**
 * How far a call would move its run from its declared purpose. The features are taken as independent signs:
 * score = 1 − Π (1 − weightᵢ · amountᵢ), so that it grows with every one of them, no one alone exceeds its weight, and
 * it never passes 1.
 *
 * @returns undefined where the run is not known: then nobody can say, and the caller fails closed (I11)
 */
export function scoreCall(history: History, runId: string, call: Call): Score | undefined {
  const run = history.runs.get(runId);
  if (!run) return undefined;
  const look = new Look(history, run, call);
  return combine(WEIGHTS.map(({ name, weight, of }) => ({ name, weight, finding: of(look) })));
}

/** The drift of a run of which only that is known: so many requests more were refused. */
export function scoreRefused(history: History, runId: string, count: number): Score | undefined {
  const run = history.runs.get(runId);
  if (!run) return undefined;
  const look = { run: { ...run, refused: run.refused + count } };
  return combine(
    WEIGHTS.filter(({ of }) => of === probing).map(({ name, weight }) => ({ name, weight, finding: probing(look) })),
  );
}

export interface Weighed {
  readonly name: string;
  readonly weight: number;
  readonly finding: Finding;
}

export function combine(findings: readonly Weighed[]): Score {
  const signs = findings
    .map((of) => ({ of, bit: -Math.log1p(-of.weight * clamp(of.finding.amount)) }))
    .filter(({ bit }) => bit > 0);
  const sum = signs.reduce((total, { bit }) => total + bit, 0);
  const score = round(-Math.expm1(-sum));
  const features = signs
    .sort((a, b) => b.bit - a.bit)
    .slice(0, DRIFT_LIMITS.featuresPerScore)
    .map(({ of: { name, finding }, bit }) => ({
      name,
      contribution: round((score * bit) / sum),
      says: finding.says.slice(0, DRIFT_LIMITS.saysLength),
      ...(finding.quotes === undefined ? {} : { quotes: finding.quotes.slice(0, DRIFT_LIMITS.saysLength) }),
    }));
  return { score, features };
}

const clamp = (amount: number): number => (Number.isFinite(amount) ? Math.min(1, Math.max(0, amount)) : 1);
const round = (value: number): number => Math.round(value * 10_000) / 10_000;
