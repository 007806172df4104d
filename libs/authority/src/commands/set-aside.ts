import type { Command, CommandType } from '@bailiwick/contracts/command';
import type { Refusal } from '@bailiwick/contracts/reason';
import { ok } from '@bailiwick/core/result';
import { asideBy, doubtOf } from '../state/set-aside';
import type { LogState } from '../state/state';
import { notFound, refuse, type Decide } from './types';

/** An operator has examined an unreadable event, and ends what it held up. No stored byte changes. */
export const setAsideEvent: Decide<'setAsideEvent'> = (state, { actor, position, bodyDigest }) => {
  if (actor.kind === 'run' || actor.kind === 'system')
    return refuse('FORBIDDEN', 'an unreadable event is set aside by a person who has examined it');
  const node = state.unreadable.get(position);
  if (!node) return notFound('unreadable event at position', String(position));
  if (node.bodyDigest !== bodyDigest) {
    return refuse(
      'CONFLICT',
      `the event at position ${position} has the digest ${node.bodyDigest}, not ${bodyDigest}; examine it again`,
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

/** What takes authority away, or changes none: taken whatever cannot be read. */
const ALWAYS: ReadonlySet<CommandType> = new Set<CommandType>([
  'revokeGrant',
  'revokeSelector',
  'setAsideEvent',
  'recordRefusal',
  'erase',
  'tick',
]);
/** Of trees that are read whole, where the log is in doubt: what can only end or charge them. */
const IN_DOUBT: ReadonlySet<CommandType> = new Set<CommandType>(['suspend', 'completeRun', 'settle', 'recordDrift']);

export const setAsideRefusal = (position: number): Refusal => ({
  code: 'TREE_SET_ASIDE',
  detail: `the event at position ${position} of this tree cannot be read, so nothing is decided about the tree; revoke it, or have an operator run \`bailiwick log repair\``,
});

/** I11: why nothing but what takes authority away is decided, where an event cannot be read; undefined where all can. */
export function heldUp(state: LogState, command: Command, treeId: string | undefined): Refusal | undefined {
  if (ALWAYS.has(command.type)) return undefined;
  const aside = asideBy(state, treeId);
  if (aside) return setAsideRefusal(aside.position);
  const doubt = doubtOf(state);
  const tightens = IN_DOUBT.has(command.type) || (command.type === 'decideApproval' && command.verdict === 'deny');
  if (!doubt || tightens) return undefined;
  return {
    code: 'LOG_IN_DOUBT',
    detail: `the event at position ${doubt.position} of this log cannot be read and may be about anything in it; only revocations are taken until an operator has run \`bailiwick log repair\``,
  };
}
