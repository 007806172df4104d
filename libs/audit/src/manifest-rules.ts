import { obligationsFor } from '@bailiwick/authority/dimensions/obligations';
import type { ActionFacts, Usage } from '@bailiwick/authority/dimensions/dimension';
import { widerThanMost } from '@bailiwick/authority/manifests/most';
import { verdictsOf } from '@bailiwick/authority/manifests/verdicts';
import { containsAll } from '@bailiwick/authority/obligations/combine';
import { scopesOf } from '@bailiwick/authority/state/scopes';
import type { EventOf } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Account } from './accounts';
import { situationOf } from './action-rules';
import { at, type Grant } from './books';
import type { ReportFinding } from './finding';
import type { PolicyBook } from './policy-rules';

/**
 * Checks a permit against the manifests in force at its position, for each grant of its chain. The caps of a manifest are
 * compared with what the auditor has counted, before the permit is charged; its caps of permissions that a lease states
 * as well only with those of the lease.
 */
export function permittedUnder(
  { agents, version }: PolicyBook,
  chain: readonly Grant[],
  event: EventOf<'ActionPermitted'>,
  facts: ActionFacts,
  report: ReportFinding,
): void {
  if (!agents) return;
  const classes = chain.map(({ run }) => run.agent.class);
  const { drift } = situationOf(chain[0] as Grant, chain[0] as Grant, event);
  const accounts = chain.map(({ account }) => account);
  for (const [i, { id, run, limits, issuedAt, beyond, account }] of chain.entries()) {
    const agentClass = run.agent.class;
    const usage = usageOf(limits, account.usage(accounts.slice(0, i), at(event.time)));
    const held = { agentClass, limits, usage, issuedAt, beyond };
    const must = obligationsFor(agents.of(agentClass)?.obligations ?? [], event.data.verb);
    if (!containsAll(event.data.obligations ?? [], must))
      report('attenuation', `the permit lacks an obligation of the manifest of ${agentClass} in version ${version}`);
    const call = { facts, drift, below: classes.slice(0, i), now: at(event.time) };
    for (const { outcome, message } of verdictsOf(agents.of(agentClass), held, call)) {
      const what = `the manifest of ${agentClass} in version ${version}, for ${id}`;
      if (outcome === 'deny') report('attenuation', `${what}, does not admit the action: ${message}`);
      else if (event.data.approvalId === undefined)
        report('approval', `permitted without an approval, although ${what}, requires one: ${message}`);
    }
  }
}

/** A scope of a permission counts nothing here: its cap in the lease, which is checked, is not above that of the manifest. */
function usageOf(limits: Limits, { verbs, ...usage }: ReturnType<Account['usage']>): Usage {
  return { ...usage, scopes: scopesOf(limits).map((_, i) => verbs[i] ?? usage.reserved) };
}

/** Checks an issued lease against the manifest of its class in force at its position. */
export function issuedUnder(
  { agents, version }: PolicyBook,
  agentClass: string,
  { data, grantId = '', time }: EventOf<'GrantIssued'>,
  report: ReportFinding,
): void {
  const { beyond, approvalId, parentId, limits } = data;
  const manifest = agents?.of(agentClass);
  if (beyond !== undefined && (approvalId === undefined || parentId !== undefined))
    report('approval', `${grantId} is beyond its manifest, and no person approved that`);
  if (beyond !== undefined && (manifest?.asks !== true || manifest.digest !== beyond))
    report('policy', `${grantId} is approved beyond a manifest that is not in force in version ${version}`);
  if (!agents) return;
  if (!manifest)
    return report('policy', `${grantId} is issued, and version ${version} has no manifest of ${agentClass}`);
  if (!manifest.most || beyond === manifest.digest) return;
  for (const { path } of widerThanMost(manifest.most, limits, at(time)))
    report('attenuation', `${grantId} is wider than the manifest of ${agentClass} in version ${version} in ${path}`);
}
