import { ruleEvents } from '@bailiwick/authority/revocation/rule-events';
import { wrongWith } from '@bailiwick/authority/what-if/changed-limits';
import { replayRequest } from '@bailiwick/contracts/replay';
import { tenantName } from '@bailiwick/contracts/primitives';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import { z } from 'zod';
import { isTree } from '../search/find-by-id';
import { folded, found, missing, op, refuse, type Op } from '../operations/operation';

const named = z.strictObject({ tenant: tenantName, id: z.uuid() });

/** A what-if is begun, and then asked about until there is an answer: no message waits for minutes. */
const start = op(
  z.strictObject({ tenant: tenantName, request: replayRequest }),
  async ({ replays, ledgers, store }, { tenant, request }) => {
    const { treeId, to = Infinity, from = 0 } = request;
    const n = treeId === undefined ? 0 : logNumberOf(treeId);
    const log = request.log ?? logName(tenant, n ?? 0);
    const ledger = log.startsWith(`${tenant}/`) ? ledgers.get(log) : undefined;
    if (!replays || !ledger || (treeId !== undefined && log !== logName(tenant, n ?? 0))) return missing(treeId ?? log);
    if (treeId !== undefined && !(await isTree(ledger, store, treeId))) return missing(treeId);
    const end = Math.min(to, ledger.position - 1);
    if (from > 0 && from > end) return refuse('NOT_FOUND', `the log has not reached position ${from} yet`);
    const wrong = wrongWith(request.change, Date.now());
    if (wrong) return refuse(wrong.code, wrong.detail);
    const rules = treeId === undefined ? [] : ruleEvents(folded(ledger));
    return found({ id: replays.start(tenant, { log, request, to: end, rules }) });
  },
);

const ask = op(named, ({ replays }, { tenant, id }) => replays?.ask(tenant, id) ?? Promise.resolve(missing(id)));

const cancel = op(named, ({ replays }, { tenant, id }) => {
  replays?.cancel(tenant, id);
  return Promise.resolve(found({}));
});

export const REPLAY_OPS: Readonly<Record<string, Op>> = {
  'replay-start': start,
  'replay-ask': ask,
  'replay-cancel': cancel,
};
