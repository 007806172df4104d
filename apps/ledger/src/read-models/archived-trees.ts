import { idOf, tenantName } from '@bailiwick/contracts/primitives';
import { VIEWERS, type Viewer } from '@bailiwick/platform/words/views';
import { z } from 'zod';
import { knowing, type Kind } from '../search/find-by-id';
import { catchUp, found, missing, op, reach } from '../operations/operation';

const one = <K extends Kind>(kind: K) => z.strictObject({ tenant: tenantName, kind: z.literal(kind), id: idOf(kind) });

/**
 * A run, grant, tree or approval that its owner has forgotten, since it ended long ago: told as the owner told it, with
 * the words that are still there.
 */
export const ended = op(
  z.discriminatedUnion('kind', [one('run'), one('grant'), one('tree'), one('approval')]),
  async (backends, { tenant, kind, id }) => {
    const { eventlog } = backends;
    const ledger = await reach(backends, tenant, id, undefined);
    if (!ledger) return missing(id);
    // one that has fallen behind may know of it as it was, or not at all, and must say neither
    await catchUp([ledger], (await eventlog.head(ledger.state.log)) - 1);
    const position = ledger.position - 1;
    const state = await knowing(ledger, backends, kind, id);
    const tell: Viewer<object> = VIEWERS[kind];
    const view = state && (await tell(eventlog, state, id, Date.now()));
    if (!view) return missing(id);
    // a tree is told as it is now, and not only as it was after the last that happened in it
    return found(kind === 'tree' ? { ...view, position } : view);
  },
);
