import type { Feature } from '@bailiwick/contracts/events/event';
import { breadth, probing, repetition, type Finding, type Look } from './features';
import { FITTED } from './fitted';
import { DRIFT_LIMITS } from './drift-limits';
import type { Call, History } from './memory';
import { onCurve, weighted, type Parameters } from './model';
import { read, SIGNS } from './signs';

/** Version of the scores, stated with each of them. A changed sign, weight or parameter requires a new version. */
export const MONITOR = FITTED.version;

/** The features that are not fitted, and the maximum score of each alone. */
export const WEIGHTS: readonly {
  readonly name: string;
  readonly weight: number;
  readonly of: (look: Look) => Finding;
}[] = [
  { name: 'breadth', weight: 0.75, of: breadth },
  { name: 'refused-and-on', weight: 0.6, of: probing },
  { name: 'repetition', weight: 0.15, of: repetition },
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
 * Scores how far a call would move its run from its declared purpose: the fitted signs together by their curve, and the
 * other features as independent of them. The score grows with every sign and feature, and never exceeds 1.
 *
 * @returns undefined if the run is unknown; the caller then fails closed (I11)
 */
export function scoreCall(
  history: History,
  runId: string,
  call: Call,
  parameters: Parameters = FITTED,
): Score | undefined {
  const run = history.runs.get(runId);
  if (!run) return undefined;
  const { amounts, says } = read(history, run, call);
  const weights = SIGNS.map(({ name }) => parameters.weights[name]);
  const sum = weighted(weights, amounts);
  const fitted = bitOf(onCurve(parameters.curve, sum));
  const signs = SIGNS.map(({ name }, at): Part => {
    const share = sum > 0 ? ((weights[at] as number) * (amounts[at] as number)) / sum : 0;
    return { name, bit: fitted * share, says: () => says(at) };
  });
  return combine([...signs, ...WEIGHTS.map(({ name, weight, of }) => partOf(name, weight, of({ run, call })))]);
}

/** Scores the drift of a run after the given number of further refusals, when nothing else is known of them. */
export function scoreRefused(history: History, runId: string, count: number): Score | undefined {
  const run = history.runs.get(runId);
  if (!run) return undefined;
  const finding = probing({ run: { ...run, refused: run.refused + count } });
  return combine(WEIGHTS.filter(({ of }) => of === probing).map(({ name, weight }) => partOf(name, weight, finding)));
}

/** What a feature adds to −log(1 − score), and its sentence, which is made only for the features that are shown. */
export interface Part {
  readonly name: string;
  readonly bit: number;
  readonly says: () => { readonly says: string; readonly quotes?: string };
}

const bitOf = (score: number): number => -Math.log1p(-Math.min(score, 1 - 1e-9));
export const partOf = (name: string, weight: number, { amount, says }: Finding): Part => ({
  name,
  bit: bitOf(weight * clamp(amount)),
  says: () => ({ says }),
});

export function combine(all: readonly Part[]): Score {
  const parts = all.filter(({ bit }) => bit > 0).sort((a, b) => b.bit - a.bit);
  const sum = parts.reduce((total, { bit }) => total + bit, 0);
  const score = round(-Math.expm1(-sum));
  const shown = parts.slice(0, DRIFT_LIMITS.featuresPerScore);
  const shownSum = shown.reduce((total, { bit }) => total + bit, 0);
  const features = shown.map(({ name, bit, says }) => {
    const { says: sentence, quotes } = says();
    return {
      name,
      contribution: round((score * bit) / shownSum),
      says: sentence.slice(0, DRIFT_LIMITS.textLength),
      ...(quotes === undefined ? {} : { quotes: quotes.slice(0, DRIFT_LIMITS.textLength) }),
    };
  });
  return { score, features };
}

const clamp = (amount: number): number => (Number.isFinite(amount) ? Math.min(1, Math.max(0, amount)) : 1);
const round = (value: number): number => Math.round(value * 10_000) / 10_000;
