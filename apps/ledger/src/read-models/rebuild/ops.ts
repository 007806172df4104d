import { logNameSchema, tenantName } from '@bailiwick/contracts/primitives';
import { z } from 'zod';
import { found, missing, op, refuse, type Backends, type Op } from '../../operations/operation';

const ofLog = z.strictObject({ tenant: tenantName, log: logNameSchema.optional() });

const told = async ({ store, ledgers }: Backends, log: string): Promise<object> => {
  const head = ledgers.get(log)?.position ?? 0;
  return { log, head, ...((await store.rebuildStatus(log)) ?? { state: 'never', position: 0 }) };
};

const start = op(ofLog, async (backends, { tenant, log = `${tenant}/0` }) => {
  if (!log.startsWith(`${tenant}/`) || !backends.ledgers.has(log) || !backends.rebuilds) return missing(log);
  if (await backends.rebuilds.start(log)) return found(await told(backends, log));
  return refuse('CONFLICT', `read models are being rebuilt already; ask how far that is, and try again then`);
});

const status = op(ofLog, async (backends, { tenant, log = `${tenant}/0` }) =>
  log.startsWith(`${tenant}/`) && backends.ledgers.has(log) ? found(await told(backends, log)) : missing(log),
);

/** Read models made again beside those that are read. */
export const REBUILD_OPS: Readonly<Record<string, Op>> = { rebuild: start, 'rebuild-status': status };
