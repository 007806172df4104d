import type { Reason } from '@bailiwick/contracts/reason';
import type { Rules } from '../commands/types';
import { clip } from '../presentation/text';
import type { Account } from '../state/reserves';
import type { GrantNode, LogState } from '../state/state';
import type { Agents, Manifest } from './agents';
import { verdictsOf, type Judged } from './verdicts';

type Usage = Account['usage'];

/** Returns the manifests in force; undefined if the policy has none, so that nothing is bounded. */
export const agentsInForce = ({ policies }: LogState, rules: Pick<Rules, 'agents'>): Agents | undefined =>
  policies.current ? policies.current.agents : rules.agents;

/** Names a manifest: `the manifest of the class worker in version 3 of the policy`. */
export const nameOf = (manifest: Manifest | undefined, agentClass: string, version: number): string =>
  manifest === undefined
    ? `version ${version} of the policy, which has no manifest of the class ${clip(agentClass)}`
    : `the manifest of ${manifest.name === '*' ? `all other classes, such as ${clip(agentClass)}` : `the class ${clip(agentClass)}`}, in version ${version} of the policy`;

/**
 * Returns the objections of the manifests in force to a call, one reason for each lease of the chain whose manifest has
 * some. A deployment is thereby enforced with its one event, whatever leases exist.
 * @param accounts the usage of each lease of the chain, as its leaf sees it
 */
export function manifestReasons(
  state: LogState,
  chain: readonly GrantNode[],
  accounts: readonly { readonly usage: Usage }[],
  { facts, drift }: Pick<Judged, 'facts' | 'drift'>,
  now: number,
  rules: Pick<Rules, 'agents'>,
): Reason[] {
  const agents = agentsInForce(state, rules);
  if (agents === undefined) return [];
  const classes = chain.map(({ runId }) => classOf(state, runId));
  return chain.flatMap((grant, i): Reason[] => {
    const agentClass = classes[i] as string;
    const manifest = agents.of(agentClass);
    const held = {
      agentClass,
      limits: grant.limits,
      usage: (accounts[i] ?? grant).usage,
      issuedAt: grant.issuedAt,
      added: state.narrowed.get(grant.id)?.added,
      beyond: state.approvedBeyond.get(grant.id),
    };
    const reasons = verdictsOf(manifest, held, { facts, drift, below: classes.slice(0, i), now });
    if (reasons.length === 0) return [];
    return [
      {
        rule: 'manifest',
        grantId: grant.id,
        outcome: reasons.some(({ outcome }) => outcome === 'deny') ? 'deny' : 'step-up',
        message: `${i === 0 ? 'this grant' : `its ancestor ${grant.id}`}: ${nameOf(manifest, agentClass, state.policies.version)}`,
        path: `agents.${clip(manifest?.name ?? agentClass)}`,
        reasons,
      },
    ];
  });
}

/** I11: a run that is not known has no class, and so no manifest but that of all others. */
export const classOf = (state: LogState, runId: string): string => state.runs.get(runId)?.agent.class ?? '';
