import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { rfc3339 } from '@bailiwick/core/clock';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';
import { blockedInChain, endedFirst, livenessReason } from '../../state/liveness';
import { attenuatesAll } from '../../dimensions/all';
import { restarted } from '../../dimensions/permissions';
import { reasonsOf } from '../../dimensions/verdict';
import { agentsInForce, nameOf } from '../../manifests/in-force';
import { beyondManifest } from '../../manifests/issue';
import { wanted, type Wanted } from '../../manifests/may-ask';
import { metBy, narrowedAbove } from './bounds';
import { endingAfter, pendingBundle, stillHeld } from './bundles';
import { widened } from './escalation';
import { wouldRestart } from './restarted-entries';
import { strikesAsked } from '../../revocation/revocation-rules';
import { chainOf, type GrantNode, type LogState, type RunNode } from '../../state/state';
import { questionForLease, waitMs } from '../../approvals/terms';
import { bundleAsked, escalationAsked, refusedBefore, refusedReason, refusedText } from '../actions/refused-before';
import { actsForAnother, newId, notFound, refuse, type Decide, type Rules } from '../types';

/** Completes a run: the run and its lease end, and everything below them. */
export const completeRun: Decide<'completeRun'> = (state, command, now) => {
  const run = state.runs.get(command.runId);
  if (!run || actsForAnother(command, run.id)) return notFound('run', command.runId);
  if (run.status !== 'active' && run.status !== 'suspended') {
    return refuse(
      'ALREADY_ENDED',
      `run ${run.id} is already ${run.status}${run.endReason ? `: ${run.endReason}` : ''}`,
    );
  }
  const chain = run.grantId === undefined ? undefined : chainOf(state, run.grantId);
  // an end anywhere in the chain counts before a suspension further up
  const blocked = chain && endedFirst(state, chain, now);
  if (chain && blocked && blocked.status !== 'suspended') {
    const reason = livenessReason(chain, blocked);
    return refuse('ALREADY_ENDED', `run ${run.id} has already ended: ${reason.message}`, [reason]);
  }
  return ok([
    {
      type: 'RunCompleted',
      treeId: run.treeId,
      runId: run.id,
      grantId: run.grantId,
      data: { reason: { code: 'COMPLETED', says: 'the run reported its work done' } },
    },
  ]);
};

/**
 * Requests an approval for more authority than the run has. The refused attempt is in the log; the request refers to
 * it.
 */
export const escalate: Decide<'escalate'> = (state, command, now, rules) => {
  const run = state.runs.get(command.runId);
  if (!run || actsForAnother(command, run.id)) return notFound('run', command.runId);
  const chain = run.grantId === undefined ? undefined : chainOf(state, run.grantId);
  if (!chain) return refuse('GRANT_NOT_LIVE', `run ${run.id} has no grant that could be raised; it is ${run.status}`);
  const grant = chain[0] as GrantNode;
  const blocked = blockedInChain(state, chain, now);
  if (blocked) {
    const reason = livenessReason(chain, blocked);
    return refuse('GRANT_NOT_LIVE', `run ${run.id} can ask for no more: ${reason.message}`, [reason]);
  }
  const held = metBy(grant.limits, narrowedAbove(state, chain));
  const cut = restarted(held.permissions, grant.limits.permissions);
  if (cut.length > 0) return err(wouldRestart('ESCALATION_NARROWS', WAS_CUT, cut));
  const asking = asked(state, command, run, now, rules);
  if (!asking.ok) return asking;
  const { want, bundle } = asking.value;
  const wait = waitMs(state, questionForLease('escalation', run.agent.class, held));
  const limits = widened(stillHeld(held, now), endingAfter(want, bundle, now + wait), rules.defaults(now), now);
  if (!limits.ok) return limits;
  const parent = chain[1];
  if (parent) {
    const bounds = [parent.limits, ...narrowedAbove(state, chain.slice(1))];
    const tooWide = bounds.flatMap((bound) => widerThan(limits.value, bound));
    if (tooWide.length > 0) {
      return refuse(
        'GRANT_WIDENS_PARENT',
        'a person can raise this run only up to the limits of its parent; ask for the parent first',
        tooWide,
      );
    }
  }
  const beyond = beyondManifest(state, run.agent.class, limits.value, now, rules);
  if (beyond && (beyond.asks === undefined || parent)) return err(beyond.refusal);
  const rule = strikesAsked(state, run, limits.value);
  if (rule) {
    const message = `the requested authority is revoked for this run by ${rule.revocationId}`;
    return refuse('GRANT_NOT_LIVE', `${message}; open a new run for it`, [
      { rule: 'liveness', outcome: 'deny', code: 'REVOKED_BY_RULE', message, grantId: grant.id },
    ]);
  }
  if (run.pendingApprovals >= LIMITS.pendingApprovalsPerRun) {
    return refuse(
      'TOO_MANY',
      `run ${run.id} already waits for ${run.pendingApprovals} approvals; have some answered first`,
    );
  }
  const asks = bundle ? bundleAsked(run.id, bundle.asked) : escalationAsked(run.id, limits.value);
  const refused = refusedBefore(state, asks, now);
  if (refused) return refuse('REFUSED_BY_PERSON', refusedText(refused), [refusedReason(refused)]);
  return ok([
    {
      type: 'ApprovalRequested',
      treeId: run.treeId,
      runId: run.id,
      grantId: grant.id,
      payload: true,
      data: {
        approvalId: newId('approval', state, command.commandId),
        kind: 'escalation',
        expiresAt: rfc3339(
          now + (bundle ? wait : waitMs(state, questionForLease('escalation', run.agent.class, limits.value))),
        ),
        risk: limits.value.risk.ceiling,
        binding: canonicalDigest({ runId: run.id, limits: limits.value }),
        limits: limits.value,
        ...(grant.parentId === undefined ? {} : { parentId: grant.parentId }),
        depth: grant.depth,
        supersedes: grant.id,
        asks,
        ...(bundle ? { bundle: bundle.asked } : {}),
      },
    },
  ]);
};

/** Returns what an escalation asks for, by the manifest in force; a bundle that already waits for its answer is refused. */
function asked(
  state: LogState,
  command: CommandOf<'escalate'>,
  run: RunNode,
  now: number,
  rules: Pick<Rules, 'agents'>,
): Result<Wanted, Refusal> {
  const agentClass = run.agent.class;
  const manifest = agentsInForce(state, rules)?.of(agentClass);
  const asking = wanted(command, manifest?.mayAsk, nameOf(manifest, agentClass, state.policies.version));
  const bundle = asking.ok ? asking.value.bundle : undefined;
  const waiting = bundle && pendingBundle(state, run, bundle.asked, now);
  if (!waiting) return asking;
  return refuse(
    'CONFLICT',
    `approval ${waiting.id} already asks for ${waiting.bundle?.name ?? 'it'}; wait for its answer`,
  );
}

/** What a narrowing further up has left of an entry with caps is another entry, which the raised lease would count from nothing. */
const WAS_CUT =
  'a lease above was narrowed, and what it leaves of an entry with caps would count from nothing; narrow this lease without that entry first, or delegate again';

export const widerThan = (child: Limits, parent: Limits) => reasonsOf(attenuatesAll(child, parent));
