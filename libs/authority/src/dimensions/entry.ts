import type { Permission } from '@bailiwick/contracts/grants/grant';
import type { Verdict } from './dimension';
import { admitsInMode, modeText, type StagedFacts } from './actions';
import { formatPartCaps, isCapped } from './part-caps';
import { parseTime } from '@bailiwick/core/clock';
import { matchesVerb } from '../matching/verbs/verb';
import { listed } from '../presentation/text';
import { keyOfSelector, resources, verdictNear, type ResourceFacts } from './resources';

/** One entry of `permissions`, without its caps. What it covers depends only on what each permit records. */

export type EntryFacts = StagedFacts & ResourceFacts;

/** Decides under one entry; undefined if it does not have the verb or the resource. */
export function entryVerdict(entry: Permission, i: number, facts: EntryFacts, stages: boolean): Verdict | undefined {
  return hasVerb(entry, facts.verb) ? verdictWithVerb(entry, i, facts, stages) : undefined;
}

/** Decides under an entry that has the verb; undefined if it does not have the resource. */
export function verdictWithVerb(entry: Permission, i: number, facts: EntryFacts, stages: boolean): Verdict | undefined {
  const where = verdictNear(entry.resources, facts);
  if (where === undefined) return undefined;
  const mode = admitsInMode(entry.mode ?? 'execute', facts, stages, `permissions[${i}].mode`);
  if (where.outcome === 'permit' || mode.outcome === 'deny') return mode;
  if (where.outcome === 'deny') return at(where, i);
  return at(bothAsk(where, mode), i);
}

/** Reports whether an entry covers an action: it admits it, or asks a person about it. */
export function coversAction(entry: Permission, facts: EntryFacts, stages: boolean): boolean {
  const verdict = entryVerdict(entry, 0, facts, stages);
  return verdict !== undefined && verdict.outcome !== 'deny';
}

/** Reports whether an entry has ended. One whose end cannot be read has (I11). */
export const isOver = ({ until }: Pick<Permission, 'until'>, now: number): boolean =>
  until !== undefined && !(now < (parseTime(until) ?? -Infinity));

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
export const keyWithoutCaps = ({ actions, resources: selectors, mode = 'execute', until }: Permission): string =>
  JSON.stringify([
    actions,
    selectors.map(keyOfSelector).sort(),
    mode === 'execute' ? null : mode,
    ...(until === undefined ? [] : [until]),
  ]);

const capsIn = ({ calls, cost = {}, units = {} }: Permission) => {
  const amounts = (of: Readonly<Record<string, number>>) => Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1));
  return [calls ?? null, amounts(cost), amounts(units)];
};

/** A consent card lists more values than a refusal. */
const DESCRIBED = 32;

/**
 * Describes an entry, e.g. `invoice.pay on invoice ** (at most 5 calls in all)`.
 * @param stages its mode reads stages
 */
export const describeEntryIn = (entry: Permission, stages: boolean): string =>
  `${describeCovered(entry, stages)}${isCapped(entry) ? ` (at most ${formatPartCaps(entry)} in all)` : ''}${entry.until === undefined ? '' : ` until ${entry.until}`}`;

/** Describes an entry of a lease whose modes read stages. */
export const describeEntry = (entry: Permission): string => describeEntryIn(entry, true);

/** Describes what an entry covers, without its caps. */
export const describeCovered = ({ actions, resources: selectors, mode }: Permission, stages = true): string =>
  `${listed(actions, 'nothing', DESCRIBED)} on ${resources.describe(selectors)}${mode ? modeText(mode, stages) : ''}`;
