import { NotYet } from '../rpc/errors';
import type { LogLedger } from './log-ledger';

/** @throws NotYet unless every ledger is at the position or reaches it in time */
export async function catchUp(
  ledgers: readonly (LogLedger | undefined)[],
  minPosition: number | undefined,
): Promise<void> {
  if (minPosition === undefined) return;
  const reached = await Promise.all(ledgers.map(async (ledger) => ledger?.reached(minPosition)));
  const late = ledgers[reached.indexOf(false)];
  if (late)
    throw new NotYet(
      `the read models are at position ${late.position - 1} and have not reached ${minPosition}; try again`,
    );
}

/**
 * Returns the state of a log once it is folded completely: a partial state would leave runs out.
 * @throws NotYet during a refold
 */
export function folded(ledger: LogLedger): LogLedger['state'] {
  const { state, position } = ledger;
  if (state.next < position) throw new NotYet(`the state of ${state.log} is being refolded; try again`);
  return state;
}
