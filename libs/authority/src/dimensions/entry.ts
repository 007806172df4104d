import type { Permission } from '@bailiwick/contracts/grants/grant';
import type { ActionFacts, Verdict } from './dimension';
import { admitsInMode, MODE_TEXT } from './actions';
import { formatPartCaps, isCapped } from './part-caps';
import { matchesVerb } from '../matching/verbs/verb';
import { listed } from '../presentation/text';
import { keyOfSelector, resources, verdictNear, type ResourceFacts } from './resources';

/** One entry of `permissions`, without its caps. What it covers depends only on what each permit records. */

export type EntryFacts = Pick<ActionFacts, 'verb' | 'effect'> & ResourceFacts;

/** Decides under one entry; undefined if it does not have the verb or the resource. */
export function entryVerdict(entry: Permission, i: number, facts: EntryFacts): Verdict | undefined {
  return hasVerb(entry, facts.verb) ? verdictWithVerb(entry, i, facts) : undefined;
}

/** Decides under an entry that has the verb; undefined if it does not have the resource. */
export function verdictWithVerb(entry: Permission, i: number, facts: EntryFacts): Verdict | undefined {
  const where = verdictNear(entry.resources, facts);
  if (where === undefined) return undefined;
  const mode = admitsInMode(entry.mode ?? 'execute', facts, `permissions[${i}].mode`);
  if (where.outcome === 'permit' || mode.outcome === 'deny') return mode;
  if (where.outcome === 'deny') return at(where, i);
  return at(bothAsk(where, mode), i);
}

/** Reports whether an entry covers an action: it admits it, or asks a person about it. */
export function coversAction(entry: Permission, facts: EntryFacts): boolean {
  const verdict = entryVerdict(entry, 0, facts);
  return verdict !== undefined && verdict.outcome !== 'deny';
}

export const hasVerb = ({ actions }: Permission, verb: string): boolean =>
  actions.some((pattern) => matchesVerb(pattern, verb));

/** Returns the first of two answers that ask a person, who reads both reasons. */
export const bothAsk = (first: Verdict, other: Verdict): Verdict =>
  other.outcome === 'permit' ? first : { ...first, message: `${first.message}; ${other.message}` };

function at(verdict: Verdict, i: number): Verdict {
  const code = verdict.outcome === 'deny' ? 'NO_PERMISSION' : verdict.code;
  return { ...verdict, ...(code === undefined ? {} : { code }), path: `permissions[${i}].resources` };
}

/** Identifies an entry, with its caps. */
export const keyOfEntry = (entry: Permission): string =>
  isCapped(entry) ? `${keyWithoutCaps(entry)} ${JSON.stringify(capsIn(entry))}` : keyWithoutCaps(entry);

/**
 * Identifies what an entry covers: its usage continues under the same key. Without a mode, an entry has the mode
 * `execute`.
 */
export const keyWithoutCaps = ({ actions, resources: selectors, mode = 'execute' }: Permission): string =>
  JSON.stringify([actions, selectors.map(keyOfSelector).sort(), mode === 'execute' ? null : mode]);

const capsIn = ({ calls, cost = {}, units = {} }: Permission) => {
  const amounts = (of: Readonly<Record<string, number>>) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1));
  return [calls ?? null, amounts(cost), amounts(units)];
};

/** A consent card lists more values than a refusal. */
const DESCRIBED = 32;

/** Describes an entry, e.g. `invoice.pay on invoice ** (at most 5 calls in all)`. */
export const describeEntry = (entry: Permission): string =>
  `${describeCovered(entry)}${isCapped(entry) ? ` (at most ${formatPartCaps(entry)} in all)` : ''}`;

/** Describes the same without its caps. */
export const describeCovered = ({ actions, resources: selectors, mode }: Permission): string =>
  `${listed(actions, 'nothing', DESCRIBED)} on ${resources.describe(selectors)}${mode ? MODE_TEXT[mode] : ''}`;
