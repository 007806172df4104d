import type { Command, CommandType } from '@bailiwick/contracts/commands/command';
import type { Refusal } from '@bailiwick/contracts/reason';
import { ok } from '@bailiwick/core/result';
import { asideBy, doubtOf } from '../state/set-aside';
import type { LogState } from '../state/state';
import { notFound, refuse, type Decide } from './types';

/**
 * Records that an operator has examined an unreadable event, and ends the tree that it blocked. No stored byte changes.
 */
export const setAsideEvent: Decide<'setAsideEvent'> = (state, { actor, position, bodyDigest }) => {
  if (actor.kind === 'run' || actor.kind === 'system')
    return refuse('FORBIDDEN', 'an unreadable event is set aside by a person who has examined it');
  const node = state.unreadable.get(position);
  if (!node) return notFound('unreadable event at position', String(position));
  if (node.bodyDigest !== bodyDigest) {
    return refuse(
      'CONFLICT',
      `the event at position ${position} has the digest ${node.bodyDigest}, not ${bodyDigest}; examine the event again`,
    );
  }
  return ok([
    {
      type: 'EventSetAside',
      treeId: node.treeId,
      payload: true,
      data: { position, bodyDigest, reason: { code: 'SET_ASIDE', says: `set aside by ${actor.id}` } },
    },
  ]);
};

/** Commands that take authority away, or change none: accepted even if an event cannot be read. */
const ALWAYS: ReadonlySet<CommandType> = new Set<CommandType>([
  'revokeGrant',
  'revokeSelector',
  'setAsideEvent',
  'recordRefusal',
  'erase',
  'tick',
]);
/** Commands for fully readable trees of a log in doubt: those that can only end or charge them. */
const IN_DOUBT: ReadonlySet<CommandType> = new Set<CommandType>([
  'suspend',
  'narrow',
  'completeRun',
  'settle',
  'recordDrift',
]);

export const setAsideRefusal = (position: number): Refusal => ({
  code: 'TREE_SET_ASIDE',
  detail: `the event at position ${position} of this tree cannot be read, so no decision is made about the tree; revoke it, or have an operator run \`bailiwick log repair\``,
});

/**
 * I11: returns why only commands that take authority away are accepted after an unreadable event; undefined if there is
 * none.
 */
export function heldUp(state: LogState, command: Command, treeId: string | undefined): Refusal | undefined {
  if (ALWAYS.has(command.type)) return undefined;
  const aside = asideBy(state, treeId);
  if (aside) return setAsideRefusal(aside.position);
  const doubt = doubtOf(state);
  const tightens = IN_DOUBT.has(command.type) || (command.type === 'decideApproval' && command.verdict === 'deny');
  if (!doubt || tightens) return undefined;
  return {
    code: 'LOG_IN_DOUBT',
    detail: `the event at position ${doubt.position} of this log cannot be read and may concern anything in it; only revocations are accepted until an operator has run \`bailiwick log repair\``,
  };
}
