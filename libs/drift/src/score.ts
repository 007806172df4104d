import type { Feature } from '@bailiwick/contracts/events/event';
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

/** Version of the scores, stated with each of them. A changed weight requires a new version. */
export const MONITOR = 'structural/2';

/**
 * The features and the maximum score of each alone. Structure and provenance weigh most, similarity of words least.
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
  /** contributing features, the largest first; the contributions add up to the score */
  readonly features: readonly Sign[];
}
/** A feature, with its quotations from arguments and results if there are any. */
export type Sign = Feature & { readonly quotes?: string };

/** Returns the part of a score that an event may store: without quotations from arguments and results. */
export const withoutWords = (features: readonly Sign[]): Feature[] =>
  features.map(({ name, contribution, says }) => ({ name, contribution, says }));

/**
 * Scores how far a call would move its run from its declared purpose. The features are treated as independent:
 * score = 1 − Π (1 − weightᵢ · amountᵢ), so the score grows with every feature, a single feature yields at most its
 * weight, and the score never exceeds 1.
 *
 * @returns undefined if the run is unknown; the caller then fails closed (I11)
 */
export function scoreCall(history: History, runId: string, call: Call): Score | undefined {
  const run = history.runs.get(runId);
  if (!run) return undefined;
  const look = new Look(history, run, call);
  return combine(WEIGHTS.map(({ name, weight, of }) => ({ name, weight, finding: of(look) })));
}

/** Scores the drift of a run after the given number of further refusals, when nothing else is known of them. */
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
      says: finding.says.slice(0, DRIFT_LIMITS.textLength),
      ...(finding.quotes === undefined ? {} : { quotes: finding.quotes.slice(0, DRIFT_LIMITS.textLength) }),
    }));
  return { score, features };
}

const clamp = (amount: number): number => (Number.isFinite(amount) ? Math.min(1, Math.max(0, amount)) : 1);
const round = (value: number): number => Math.round(value * 10_000) / 10_000;
