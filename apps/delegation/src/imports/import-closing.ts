import { givenUpTogether } from '@bailiwick/authority/commands/actions/give-up';
import { newId, type NewEvent } from '@bailiwick/authority/commands/types';
import { evolve } from '@bailiwick/authority/events/evolve';
import { sealAll, type Sealed } from '@bailiwick/authority/commands/seal';
import type { LogState } from '@bailiwick/authority/state/state';
import type { Command } from '@bailiwick/contracts/commands/command';
import type { ExportHeader } from '@bailiwick/contracts/transfer/export';
import { parseVerifierKey } from '@bailiwick/transparency-log/note';

type Log = ExportHeader['logs'][number];

/**
 * Returns the events that this installation appends to imported ones in the same commit. They record the import and,
 * unless the operator lets the tenant stay live, end all imported authority: permits without an outcome are abandoned
 * (I7), one rule revokes every lease and every request for one (I6), and pending approvals expire.
 * @param state the state after the imported events; the new events are folded into it
 */
export function closing(state: LogState, { vkey, size, root }: Log, live: boolean, clock: number): Sealed[] {
  const now = Math.max(clock, state.lastTime); // event times never decrease
  const command = { actor: { kind: 'system', id: 'import' }, commandId: `import_${state.n}_${size}` } as Command;
  const key = parseVerifierKey(vkey);
  const origin = key.ok ? key.value.name : '';
  const fresh: NewEvent[] = [{ type: 'HistoryImported', data: { origin, vkey, size, root, live } }];
  if (!live) fresh.push(...ended(state, command.commandId, origin, now));
  const sealed = sealAll(state, command, now, fresh);
  if (!sealed.ok) throw new Error(sealed.error.detail);
  for (const { event } of sealed.value) evolve(state, event);
  return sealed.value;
}

function ended(state: LogState, commandId: string, origin: string, now: number): NewEvent[] {
  const waiting = [...state.approvals.values()].filter(({ status }) => status === 'pending');
  const open = [...state.actions.values()].sort((a, b) => a.position - b.position);
  return [
    ...givenUpTogether(state, [], open, now),
    {
      type: 'RevocationRuleAdded',
      data: {
        revocationId: newId('revocation', state, commandId),
        selector: {}, // matches everything before the rule
        quarantine: false,
        reason: { code: 'HISTORY_IMPORTED', says: `imported from ${origin} as history`.slice(0, 500) },
      },
    },
    ...waiting.map(({ id, treeId, runId, grantId, actionId }): NewEvent => {
      return { type: 'ApprovalExpired', treeId, runId, grantId, actionId, data: { approvalId: id } };
    }),
  ];
}
