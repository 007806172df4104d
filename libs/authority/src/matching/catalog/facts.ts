import { STAGES, type CatalogEntry, type Stage } from '@bailiwick/contracts/policy/catalog-entry';
import { EFFECTS, RISKS, type Effect } from '@bailiwick/contracts/grants/grant';
import type { VerbFacts } from '../verbs/verb-meaning';

/** The facts about a verb, with the stage of its work; the effects are in the order of `EFFECTS`. */
export interface Facts extends VerbFacts {
  readonly stage: Stage;
}

/** An unknown verb counts as a write of medium risk that may also send or execute something. */
export const UNKNOWN: VerbFacts = { effects: ['write'], risk: 'medium', labels: ['may:send', 'may:exec'] };

/** Labels of what may have an effect outside. */
const CARRIES_OUT: readonly string[] = ['may:send', 'may:exec', 'pays'];

/** What only reads prepares. All else carries out something, unless an entry states a milder stage. */
export const staged = (facts: VerbFacts): Facts => ({
  ...facts,
  effects: ordered(facts.effects),
  stage:
    facts.effects.every((each) => each === 'read') && !facts.labels.some((each) => CARRIES_OUT.includes(each))
      ? 'draft'
      : 'execute',
});

/** Returns the facts that an entry states. */
export function factsOfEntry({ effects, risk, labels = [], stage }: CatalogEntry): Facts {
  const facts = staged({ effects, risk, labels });
  return stage === undefined ? facts : { ...facts, stage };
}

/** Joins facts of one verb: each effect and label counts, and the stricter risk and stage. */
export function joined(a: Facts, b: Facts | undefined): Facts {
  if (!b) return a;
  return {
    effects: ordered([...a.effects, ...b.effects]),
    risk: stricter(RISKS, a.risk, b.risk),
    labels: [...new Set([...a.labels, ...b.labels])],
    stage: stricter(STAGES, a.stage, b.stage),
  };
}

const ordered = (effects: readonly Effect[]): Effect[] => EFFECTS.filter((each) => effects.includes(each));

export const stricter = <T extends string>(order: readonly T[], a: T, b: T): T =>
  order.indexOf(a) < order.indexOf(b) ? b : a;
