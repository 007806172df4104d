import type { Obligation } from '@bailiwick/contracts/obligations/obligation';
import { STAGES, type CatalogEntry, type Stage } from '@bailiwick/contracts/policy/catalog-entry';
import { EFFECTS, RISKS, type Effect } from '@bailiwick/contracts/grants/grant';
import { combined } from '../../obligations/combine';
import type { VerbFacts } from '../verbs/verb-meaning';

/** The facts about a verb, with the stage of its work; the effects are in the order of `EFFECTS`. */
export interface Facts extends VerbFacts {
  readonly stage: Stage;
  /** what the enforcement point must do; left out if there is nothing */
  readonly obligations?: readonly Obligation[] | undefined;
}

/** An unknown verb counts as a write of medium risk that may also send or execute something. */
export const UNKNOWN: VerbFacts = { effects: ['write'], risk: 'medium', labels: ['may:send', 'may:exec'] };

/** Labels of what may have an effect outside. */
const MAY_CARRY_OUT: readonly string[] = ['may:send', 'may:exec', 'pays'];
/** Of these, the labels of what cannot be only put forward. */
const CARRIES_OUT: readonly string[] = ['may:exec', 'exec:shell', 'pays'];
/** Labels of what is no draft. */
const GOES_OUT: readonly string[] = ['may:send', 'send:external', 'fetch:unnamed'];

/** What only reads prepares. All else carries out something, unless an entry states a milder stage. */
export const staged = (facts: VerbFacts): Facts => ({
  ...facts,
  effects: ordered(facts.effects),
  stage:
    facts.effects.every((each) => each === 'read') && !facts.labels.some((each) => MAY_CARRY_OUT.includes(each))
      ? 'draft'
      : 'execute',
});

/** The effects and labels of an entry, or of a call. */
interface StatedFacts {
  readonly effects: readonly Effect[];
  readonly labels?: readonly string[] | undefined;
}

/**
 * Returns the earliest stage that an entry may state: what executes or pays is carried out, and a draft has no effect
 * outside.
 */
export function leastStage({ effects, labels = [] }: StatedFacts): Stage {
  if (effects.includes('exec') || labels.some((each) => CARRIES_OUT.includes(each))) return 'execute';
  return effects.includes('external') || labels.some((each) => GOES_OUT.includes(each)) ? 'propose' : 'draft';
}

/** Returns the facts that an entry states. */
export function factsOfEntry({ effects, risk, labels = [], stage, obligations }: CatalogEntry): Facts {
  const facts = {
    ...staged({ effects, risk, labels }),
    ...(obligations ? { obligations: combined(obligations) } : {}),
  };
  // I11: a bundle that an earlier release deployed may state less
  return stage === undefined ? facts : { ...facts, stage: stricter(STAGES, stage, leastStage({ effects, labels })) };
}

/** Joins facts of one verb: each effect, label and obligation counts, and the stricter risk and stage. */
export function joined(a: Facts, b: Facts | undefined): Facts {
  if (!b) return a;
  return {
    effects: ordered([...a.effects, ...b.effects]),
    risk: stricter(RISKS, a.risk, b.risk),
    labels: [...new Set([...a.labels, ...b.labels])],
    stage: stricter(STAGES, a.stage, b.stage),
    ...(a.obligations || b.obligations
      ? { obligations: combined([...(a.obligations ?? []), ...(b.obligations ?? [])]) }
      : {}),
  };
}

const ordered = (effects: readonly Effect[]): Effect[] => EFFECTS.filter((each) => effects.includes(each));

export const stricter = <T extends string>(order: readonly T[], a: T, b: T): T =>
  order.indexOf(a) < order.indexOf(b) ? b : a;
