import { DIMENSION_TABLE } from '@bailiwick/authority/dimensions/all';
import type { ActionFacts, Situation } from '@bailiwick/authority/dimensions/dimension';
import { obligationsFor } from '@bailiwick/authority/dimensions/obligations';
import { unverifiedCost } from '@bailiwick/authority/matching/unverified';
import { containsAll } from '@bailiwick/authority/obligations/combine';
import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Counter, Effect } from '@bailiwick/contracts/grants/grant';
import { obligationName } from '@bailiwick/contracts/obligations/obligation';
import { amountsOf } from './accounts';
import type { Grant } from './books';
import { withoutEntryCaps } from './entry-caps';
import type { ReportFinding } from './finding';

/** Checks that the reported cost was charged, or that a finding accounts for the difference. */
export function unaccountedOf({ data }: EventOf<'ActionCompleted'>): string | undefined {
  const { findings = [] } = data;
  const [allReported, allCharged] = [amountsOf(data), amountsOf(data.charge)];
  for (const name of new Set([...Object.keys(allReported), ...Object.keys(allCharged)])) {
    const uncharged = findings.filter(({ currency, unit }) => (currency ?? unit) === name);
    const found = uncharged.reduce((sum, { amount }) => sum + amount, 0);
    const [reported, charged] = [allReported[name] ?? 0, allCharged[name] ?? 0];
    if (reported !== charged + found)
      return `${reported} ${name} reported, ${charged} charged, and ${found} recorded as not charged`;
  }
  return undefined;
}

/**
 * I1: checks the recorded action against each grant of the chain.
 * @returns why the action needed an approval, if it did
 */
export function admitted(
  chain: readonly Grant[],
  event: EventOf<'ActionPermitted'>,
  facts: ActionFacts,
  now: number,
  report: ReportFinding,
): string | undefined {
  const { data } = event;
  const leaf = chain[0] as Grant;
  let asks: string | undefined;
  for (const grant of chain) {
    const situation = situationOf(grant, leaf, event);
    const limits = withoutEntryCaps(grant.limits);
    for (const dimension of DIMENSION_TABLE) {
      if (dimension.name === 'budget') continue; // the accounts above check the budget, and the caps of permissions
      const verdict = dimension.admits(limits[dimension.name] as never, facts, situation, now);
      if (verdict.outcome === 'deny')
        report('attenuation', `${grant.id} does not admit the action: ${verdict.message}`);
      if (verdict.outcome === 'step-up') asks ??= `${grant.id} requires one: ${verdict.message}`;
    }
  }
  const { obligations = [], understands } = data;
  for (const { id, limits } of chain)
    if (limits.obligations && !containsAll(obligations, obligationsFor(limits.obligations, data.verb)))
      report('attenuation', `the permit lacks an obligation of ${id}`);
  const unknown = understands && obligations.map(obligationName).find((name) => !understands.includes(name));
  if (unknown !== undefined)
    report('attenuation', `permitted with the obligation ${unknown}, which the enforcement point does not apply`);
  for (const effect of data.effects ?? [data.effect])
    if (data.charge[COUNTER_OF[effect]] < 1)
      report('budget', `the action has the effect ${effect}, but is not charged for it`);
  const cost = unverifiedCost(data.labels, data.stated);
  if (cost) asks ??= `the action requires one: ${cost.message}`;
  const bound = chain.find(({ limits }) => limits.session.jkt !== undefined);
  if (bound && leaf.limits.session.jkt === undefined && !data.proof.vouched)
    report('attenuation', `${bound.id} is bound to a key, but ${leaf.id} is not`);
  return asks;
}

export const situationOf = (grant: Grant, leaf: Grant, { data }: EventOf<'ActionPermitted'>): Situation => ({
  usage: NOTHING_USED,
  drift: data.drift ?? 0,
  stages: grant.limits.actions.stages === true,
  leaf: grant === leaf,
});

const COUNTER_OF: Record<Effect, Counter> = { read: 'reads', write: 'writes', exec: 'writes', external: 'external' };

const NONE = { calls: 0, reads: 0, writes: 0, external: 0, cost: {} };
const NOTHING_USED = { committed: NONE, reserved: NONE, windows: [] };
