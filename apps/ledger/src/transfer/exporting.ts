import type { ExportHeader } from '@bailiwick/contracts/export';
import { logNameSchema, position, tenantName } from '@bailiwick/contracts/primitives';
import { LIMITS } from '@bailiwick/core/limits';
import { emptyRoot } from '@bailiwick/transparency-log/hash';
import { z } from 'zod';
import { found, missing, NotYet, op, type Backends, type Op } from '../operations/operation';

/** The logs of a tenant as they stand now, each with its signed head: what an export holds is fixed by them. */
const heads = op(z.strictObject({ tenant: tenantName }), async ({ eventlog, ledgers, store }, { tenant }) => {
  const logs: ExportHeader['logs'] = [];
  for (const log of await eventlog.listLogs(tenant)) {
    const ledger = ledgers.get(log);
    if (!ledger) throw new NotYet(`${log} is not followed yet; try again`);
    const head = await eventlog.head(log);
    if (head > 0 && !(await ledger.reached(head - 1)))
      throw new NotYet(`the tree of ${log} stands at ${ledger.position}, its log at ${head}; try again`);
    await ledger.sign();
    const newest = await store.heads.newest(log);
    logs.push({
      log,
      size: newest?.size ?? 0,
      root: (newest?.root ?? emptyRoot()).toString('base64'),
      checkpoint: newest?.note ?? null,
      vkey: ledger.vkey,
    });
  }
  return logs.length > 0 ? found(logs) : missing(tenant);
});

/** Lines of events, as many as fit into one answer; `next` is where the following begin. */
const lines = op(
  z.strictObject({ tenant: tenantName, log: logNameSchema, from: position, to: position }),
  async ({ eventlog }: Backends, { tenant, log, from, to }) => {
    if (!log.startsWith(`${tenant}/`)) return missing(log); // I9
    const stored = await eventlog.read(log, from, Math.min(LIMITS.eventsPageMax, to - from));
    let text = '';
    let next = from;
    let payloads = 0;
    for (const { log, position, type, time, body, payload = null } of stored) {
      const line = JSON.stringify({ log, position, type, time, body, payload });
      if (next > from && text.length + line.length > LIMITS.pageBytes / 2) break;
      text += `${line}\n`;
      next = position + 1;
      if (payload !== null) payloads += 1;
    }
    return found({ text, next, payloads });
  },
);

/** A tenant written out whole. */
export const EXPORT_OPS: Readonly<Record<string, Op>> = { 'export-heads': heads, 'export-lines': lines };
