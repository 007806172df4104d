import type { Limits, Risk } from '@bailiwick/contracts/grants/grant';
import { canonicalDigest } from '@bailiwick/core/digest';
import { rfc3339 } from '@bailiwick/core/clock';
import { err, ok } from '@bailiwick/core/result';
import { agentFault, storedAgent } from '../../matching/names';
import { beyondManifest, resolveOpening } from '../../manifests/issue';
import { quarantineRefusal, subjectAsked } from '../../revocation/revocation-rules';
import { regrantRefusal } from '../../regrants/regrant';
import { questionForLease, waitMs } from '../../approvals/terms';
import { refusedBefore, refusedReason, refusedText, rootAsked } from '../actions/refused-before';
import { newId, refuse, type Decide, type NewEvent } from '../types';

/** A root grant that allows irreversible actions is never issued without a person. */
const asksPerson = (limits: Limits): boolean => limits.risk.ceiling === 'irreversible';

/** Opens a root run and issues its grant, or requests an approval for it. */
export const openRun: Decide<'openRun'> = (state, command, now, rules) => {
  const fault = agentFault(command.agent);
  if (fault) return err(fault);
  if (command.grant.budget?.reserve)
    return refuse('BAD_REQUEST', 'grant.budget.reserve: a root has no parent whose budget could be set aside');
  const resolved = resolveOpening(state, command.agent.class, command.grant, rules, now);
  if (!resolved.ok) return resolved;
  const limits = resolved.value;
  const beyond = beyondManifest(state, command.agent.class, limits, now, rules);
  if (beyond && beyond.asks === undefined) return err(beyond.refusal);
  const id = (kind: 'run' | 'tree' | 'grant' | 'approval') => newId(kind, state, command.commandId);
  const [runId, treeId, grantId] = [id('run'), id('tree'), id('grant')];
  const asked = subjectAsked(command.agent, {
    principalRef: command.principalRef,
    purposeRef: command.purposeRef,
    approver: undefined,
    treeId,
    startedAt: now,
    limits,
  });
  const { regrants } = command;
  const refusal = quarantineRefusal(state, asked, now) ?? (regrants && regrantRefusal(state, regrants, asked, now));
  if (refusal) return err(refusal);

  const opened: NewEvent = {
    type: 'RunOpened',
    treeId,
    runId,
    payload: true,
    data: {
      agent: storedAgent(command.agent),
      principalRef: command.principalRef,
      purposeRef: command.purposeRef,
      startedAt: rfc3339(now),
      ...(regrants ? { regrants: { grantId: regrants.grantId, revocationId: regrants.revocationId } } : {}),
    },
  };
  if (command.requireApproval === true || beyond || regrants || asksPerson(limits)) {
    const { principalRef, purposeRef } = command;
    const asks = rootAsked({ principalRef, purposeRef, agentClass: command.agent.class }, limits);
    const refused = refusedBefore(state, asks, now);
    if (refused) return refuse('REFUSED_BY_PERSON', refusedText(refused), [refusedReason(refused)]);
    const approvalId = id('approval');
    return ok([
      opened,
      {
        type: 'ApprovalRequested',
        treeId,
        runId,
        data: {
          approvalId,
          kind: 'grant',
          expiresAt: rfc3339(now + waitMs(state, questionForLease('grant', command.agent.class, limits))),
          risk: limits.risk.ceiling satisfies Risk,
          binding: canonicalDigest({ runId, limits }),
          limits,
          depth: 0,
          asks,
        },
      },
    ]);
  }
  return ok([opened, { type: 'GrantIssued', treeId, runId, grantId, data: { depth: 0, limits } }]);
};
