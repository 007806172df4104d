import { obligationName, type Obligation } from '@bailiwick/contracts/obligations/obligation';
import type { Reason } from '@bailiwick/contracts/reason';
import { LIMITS } from '@bailiwick/core/limits';
import type { Rules } from '../commands/types';
import { obligationsFor } from '../dimensions/obligations';
import { agentsInForce, classOf } from '../manifests/in-force';
import { listed, shown } from '../presentation/text';
import type { GrantNode, LogState } from '../state/state';
import { combined } from './combine';

/** What obliges at a decision in addition to the leases and their manifests. */
export interface Obliging {
  /** normalized */
  readonly verb: string;
  /** of the entries of the catalog */
  readonly catalog: readonly Obligation[] | undefined;
  /** of the rules that fired */
  readonly rules: readonly Obligation[];
}

/**
 * Returns all obligations of a permit: those of each lease of the chain, of the manifest of its class, of the catalog and
 * of the rules that fired. Each source can only add.
 */
export function obligationsOf(
  state: LogState,
  chain: readonly GrantNode[],
  { verb, catalog = [], rules: fired }: Obliging,
  rules: Pick<Rules, 'agents'>,
): Obligation[] {
  const all = [...catalog, ...fired];
  for (const { limits } of chain)
    if (Array.isArray(limits.obligations)) all.push(...obligationsFor(limits.obligations, verb));
  const agents = agentsInForce(state, rules);
  if (agents?.oblige === true)
    for (const { runId } of chain)
      all.push(...obligationsFor(agents.of(classOf(state, runId))?.obligations ?? [], verb));
  return all.length === 0 ? all : combined(all);
}

/**
 * Returns the objections to a permit with these obligations. A permit that its enforcement point cannot apply is a
 * denial, and so is one whose obligations are too many for its event (I11).
 * @param understood as the enforcement point stated it; undefined: it compares them itself
 */
export function objectionsTo(obligations: readonly Obligation[], understood: readonly string[] | undefined): Reason[] {
  const tooMany =
    obligations.length > LIMITS.obligations.perDecision ||
    obligations.some((each) => 'fields' in each && each.fields.length > LIMITS.obligations.fields) ||
    Buffer.byteLength(JSON.stringify(obligations)) > LIMITS.obligations.bytes;
  const reasons: Reason[] = [];
  if (tooMany)
    reasons.push({
      rule: 'obligations',
      outcome: 'deny',
      code: 'OBLIGATIONS_UNCLEAR',
      message: `the call has more obligations than a permit can state: at most ${LIMITS.obligations.perDecision}, of ${LIMITS.obligations.bytes} bytes`,
    });
  const known = understood && new Set(understood);
  const unknown = known ? obligations.map(obligationName).filter((name) => !known.has(name)) : [];
  if (unknown.length > 0)
    reasons.push({
      rule: 'obligations',
      outcome: 'deny',
      code: 'OBLIGATION_NOT_UNDERSTOOD',
      message: `a permit would oblige the enforcement point to ${listed([...new Set(unknown)])}, and it states that it does not apply that`,
      limit: shown([...new Set(unknown)]),
    });
  return reasons;
}
