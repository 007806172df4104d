import type { Command } from '@bailiwick/contracts/commands/command';
import type { EventData } from '@bailiwick/contracts/events/event';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok } from '@bailiwick/core/result';
import { countOf } from './refusal-budgets';
import type { Decide, Decided, NewEvent } from './types';

/** Records refusals that the gateway itself made: one request, or a count of them. */
export const recordRefusal: Decide<'recordRefusal'> = (_state, { command, detail, count }, now) => {
  if (count === undefined) return ok([{ type: 'Refused', data: { command, code: 'FORBIDDEN', detail } }]);
  const data = { since: rfc3339(now), total: count, refused: [{ command, code: 'FORBIDDEN', count }] };
  return ok([{ type: 'RefusalsSummarized', data }]);
};

/** Records the counts of refusals that were not written, without the run if it is forgotten. */
export const summarizeRefusals: Decide<'summarizeRefusals'> = (state, { since, runId, refused, others }) => {
  const run = state.runs.get(runId ?? '');
  const data: EventData<'RefusalsSummarized'> = {
    since,
    total: Math.min(
      refused.reduce((sum, { count }) => sum + count, others ?? 0),
      LIMITS.amountMax,
    ),
    refused,
    ...(others === undefined ? {} : { others }),
  };
  return ok([{ type: 'RefusalsSummarized', treeId: run?.treeId, runId: run?.id, data }]);
};

/** Answers a command that is refused beyond the budget for refusals: too many, with the reasons for the refusal. */
export function onlyCounted(command: Command, refusal: NewEvent): Decided {
  const { actor } = command;
  const runId = actor.kind === 'run' ? actor.id : refusal.runId;
  const { detail, reasons } = whyOf(refusal);
  const whose = runId === undefined ? actor.id : `run ${runId}`;
  return err({
    code: 'TOO_MANY',
    detail: `the request is refused (${detail}), and too many requests of ${whose} were refused recently, so it is only counted. Change the request, or send it less often`,
    ...(reasons ? { reasons } : {}),
    unwritten: countOf(command.type, refusal, runId),
  });
}

function whyOf(refusal: NewEvent): { detail: string; reasons?: EventData<'ActionDenied'>['reasons'] | undefined } {
  switch (refusal.type) {
    case 'ActionDenied':
      return { detail: `${refusal.data.verb} is denied`, reasons: refusal.data.reasons };
    case 'ActionStepUp':
      return { detail: `approval ${refusal.data.approvalId} is still pending`, reasons: refusal.data.reasons };
    case 'DelegationRefused':
    case 'Refused':
      return refusal.data;
    default:
      return { detail: 'counted by the gateway' };
  }
}
