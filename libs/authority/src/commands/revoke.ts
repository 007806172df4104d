import type { CommandOf } from '@bailiwick/contracts/command';
import { err, ok } from '@bailiwick/core/result';
import { selectorFault } from '../matching/names';
import { grownSince, targetOf } from '../revocation/reach';
import type { LogState } from '../state/state';
import { normalizeTool } from '../matching/tool-name';
import { notFound, refuse, type Decide } from './types';

/**
 * I6: everything a selector matches, in one event. Nothing is enumerated: only what was granted since the operator's
 * preview is looked at, and refused if it would be struck unseen.
 */
export const revokeSelector: Decide<'revokeSelector'> = (state, command, now) => {
  if (command.actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not revoke');
  const fault = selectorFault(command.selector);
  if (fault) return err(fault);
  if (state.rules.full) return refuse('TOO_MANY', 'this log holds as many revocation rules as it may');
  if (state.rules.find(command.revocationId))
    return refuse('CONFLICT', `revocation ${command.revocationId} is known already`);
  const unclear = toolFault(command);
  if (unclear !== undefined) return refuse('BAD_REQUEST', unclear);
  const unseen = command.force === true ? undefined : unseenBy(state, command, now);
  if (unseen !== undefined) return refuse('BLAST_RADIUS_GREW', unseen);
  return ok([
    {
      type: 'RevocationRuleAdded',
      payload: true,
      ...(command.selector.treeId === undefined ? {} : { treeId: command.selector.treeId }),
      data: {
        revocationId: command.revocationId,
        selector: command.selector,
        ...(command.selector.tool === undefined ? {} : { target: targetOf(command) }),
        quarantine: command.quarantine ?? false,
        reason: { code: 'REVOKED', says: `revoked by ${command.actor.id}` },
      },
    },
  ]);
};

/** A rule whose tool names nothing would stop nothing, and look as if it did. */
function toolFault({ selector: { tool }, target }: CommandOf<'revokeSelector'>): string | undefined {
  if (tool === undefined)
    return target && 'target applies to a tool only; name one in selector.tool, or leave target out';
  if (normalizeTool(tool) === '')
    return `selector.tool ${JSON.stringify(tool)} has no visible character; name one verb or tool`;
  return undefined;
}

/** What the operator has not seen of what this reaches. */
function unseenBy(state: LogState, command: CommandOf<'revokeSelector'>, now: number): string | undefined {
  if (!command.previewed)
    return 'no preview with this digest is known any more; look at the new one and name its digest, or force';
  const { count, counted } = grownSince(state, command, command.previewed.asOf, now);
  if (!counted) return 'more was issued after the preview than is looked at again; look again, or force';
  return count === 0
    ? undefined
    : `${count} grants or requests that this would stop were made after the preview; look again, or force`;
}

export const liftQuarantine: Decide<'liftQuarantine'> = (state, command) => {
  const rule = state.rules.find(command.revocationId);
  if (!rule) return notFound('quarantine', command.revocationId);
  if (command.actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not lift a quarantine');
  if (!rule.quarantine)
    return refuse('CONFLICT', `revocation ${command.revocationId} holds no quarantine, or it was lifted already`);
  return ok([{ type: 'QuarantineLifted', payload: true, data: { revocationId: command.revocationId } }]);
};
