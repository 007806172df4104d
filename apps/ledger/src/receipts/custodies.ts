import type { BrokeredCustody, Custody } from '@bailiwick/contracts/receipts/receipt';
import { LIMITS } from '@bailiwick/core/limits';
import { custodyOf } from '@bailiwick/receipts/custody';
import { readStory, type Story } from '@bailiwick/receipts/story';
import type { LogLedger } from '../follower/log-ledger';
import { aboutAction, inTurn, type From } from './candidates';

/**
 * Returns the custody chain of an action, with a proof of each link in the tree; undefined if the action does not exist.
 * An action of a called service has two chains: its own, and that of the call.
 */
export async function custodyFor(
  ledger: LogLedger,
  from: From,
  actionId: string,
): Promise<BrokeredCustody | undefined> {
  const found = await chainFor(ledger, from, actionId);
  if (!found) return undefined;
  const { story, custody } = found;
  const { calledBy } = story.decisions.get(actionId)?.event.data ?? {};
  const caller = calledBy && (await chainFor(ledger, from, calledBy.actionId));
  const called = story.entries.flatMap(({ event }) =>
    event.type === 'ActionCalled' && event.actionId === actionId ? [event.data.called] : [],
  );
  return { ...custody, ...(caller ? { calledBy: caller.custody } : {}), ...(called.length > 0 ? { called } : {}) };
}

async function chainFor(
  ledger: LogLedger,
  from: From,
  actionId: string,
): Promise<{ story: Story; custody: Custody } | undefined> {
  const candidates = await inTurn(ledger, from, LIMITS.receiptEvents, (held) => aboutAction(ledger, held, actionId));
  if (!candidates) return undefined;
  const story = readStory(candidates);
  const custody = custodyOf(actionId, story);
  const positions = [...new Set(custody.links.map(({ position }) => position))];
  const inTree = positions.filter((position) => position < ledger.position);
  const proofs = inTree.length === 0 ? new Map<number, string>() : await ledger.proofs(inTree);
  const links = custody.links.map((link) => ({ ...link, ...proofIn(proofs, link.position) }));
  return { story, custody: { ...custody, links } };
}

const proofIn = (proofs: ReadonlyMap<number, string>, position: number): { proof?: string } => {
  const proof = proofs.get(position);
  return proof === undefined ? {} : { proof };
};
