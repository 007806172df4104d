import { BailiwickClient, ProblemError } from '@bailiwick/client/client';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { waitFor } from '@bailiwick/platform/local-servers/child';
import { fillLog, type Filled, type Shape } from './fill';
import type { Report } from '../report/report';
import type { System } from '../system';

/** A tenant with a log of many live leases. */
export interface Tenant extends Filled {
  readonly name: string;
  readonly log: string;
  /** role → API key */
  readonly keys: Readonly<Record<string, string>>;
}

const CAUGHT_UP_MS = 20 * 60_000;
const PERMIT_MS = 10 * 60_000;

/** Creates a tenant, fills its log and waits until the ledger has caught up, so that it does not disturb the measurement. */
export async function makeTenant(system: System, name: string, shape: Shape, report: Report): Promise<Tenant> {
  return filledTenant(system, name, report, (eventlog, log) => fillLog(eventlog, log, shape));
}

/** Creates a tenant whose log is filled by `fill`, and waits until the ledger has caught up. */
export async function filledTenant<F extends { events: number }>(
  system: System,
  name: string,
  report: Report,
  fill: (eventlog: PostgresEventLog, log: string) => Promise<F>,
): Promise<F & Pick<Tenant, 'name' | 'log' | 'keys'>> {
  const log = `${name}/0`;
  const eventlog = new PostgresEventLog(system.databaseUrl, { max: 1 });
  try {
    await eventlog.createLog(log);
    const started = performance.now();
    const filled = await fill(eventlog, log);
    const took = (performance.now() - started) / 1_000;
    report.note(`tenant ${name}: ${filled.events} events written in ${took.toFixed(0)} s`);
    await waitFor(`the followers of ${log}`, CAUGHT_UP_MS, async () => (await followed(system, log)) >= filled.events);
    report.note(
      `tenant ${name}: followers caught up after ${((performance.now() - started) / 1_000 - took).toFixed(0)} s more`,
    );
    const keys = await keysOf(system, name);
    await wake(system, keys);
    return { ...filled, name, log, keys };
  } finally {
    await eventlog.close();
  }
}

/**
 * Creates the tenant of a filled log, in which its keys are recorded last. An owner that has loaded the log before it was
 * filled cannot write the first record: it folds the log again, and the keys are issued again.
 */
async function keysOf(system: System, name: string): Promise<Record<string, string>> {
  const admin = system.as('admin');
  let keys: Record<string, string> | undefined;
  let reissue = false;
  await waitFor(`the keys of ${name}`, CAUGHT_UP_MS, async () => {
    try {
      const body = { id: name, ...(reissue ? { reissue } : {}) };
      ({ keys } = await admin.post<{ keys: Record<string, string> }>('/v1/tenants', body));
      return true;
    } catch (error) {
      if (!(error instanceof ProblemError && error.status === 503)) throw error;
      reissue = true; // they were stored, and not recorded yet
      return false;
    }
  });
  return keys as Record<string, string>;
}

/**
 * Makes the owner load the filled log. Its state predates the filling, so its next append conflicts; it then folds the
 * log again, and the retry succeeds.
 */
async function wake(system: System, keys: Record<string, string>): Promise<void> {
  const orchestrator = new BailiwickClient({
    url: system.credentials.url,
    key: keys.orchestrator as string,
    retries: WAKE_TRIES,
  });
  await orchestrator.openRun({
    agent: { class: 'orchestrator' },
    requestedBy: 'user:owner@example.com',
    purpose: 'Wake up',
    grant: { actions: { allow: ['file.read'] }, resources: [{ type: 'file', match: 'repo/**' }] },
  });
}
const WAKE_TRIES = 600;

/** Returns the size of the tree that the ledger signed last. */
async function followed(system: System, log: string): Promise<number> {
  const response = await fetch(`${system.credentials.url}/log/${log}/checkpoint`);
  return response.ok ? Number((await response.text()).split('\n')[1]) : 0;
}

/** Repeats a request, as a client would, until the action is permitted. */
export async function askUntilPermitted(system: System, tenant: Tenant): Promise<void> {
  const leaf = tenant.leaves[0];
  if (!leaf) throw new Error('the log holds no lease');
  const body = JSON.stringify({
    grantId: leaf.grantId,
    action: { verb: 'file.read' },
    resource: { type: 'file', id: 'repo/a' },
  });
  const headers = { authorization: `Bearer ${tenant.keys.enforcer}`, 'content-type': 'application/json' };
  await waitFor('a permit', PERMIT_MS, async () => {
    const response = await fetch(`${system.credentials.url}/v1/actions`, { method: 'POST', headers, body }).catch(
      () => undefined,
    );
    const result = (await response?.json()) as { decision?: string } | undefined;
    return result?.decision === 'permit';
  });
}
