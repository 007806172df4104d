import { BailiwickClient } from '@bailiwick/client/client';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { waitFor } from '@bailiwick/platform/servers/child';
import { fillLog, type Filled, type Shape } from './fill';
import type { Report } from './report';
import type { System } from './system';

/** A tenant with a log of many live leases. */
export interface Tenant extends Filled {
  readonly name: string;
  readonly log: string;
  /** role → API key */
  readonly keys: Readonly<Record<string, string>>;
}

const FOLLOWED_MS = 20 * 60_000;
const ANSWER_MS = 10 * 60_000;

/** Makes a tenant, fills its log, and waits until ledger and monitor have followed, so that they disturb nobody. */
export async function makeTenant(system: System, name: string, shape: Shape, report: Report): Promise<Tenant> {
  return filledTenant(system, name, report, (eventlog, log) => fillLog(eventlog, log, shape));
}

/** The same with a log that is filled otherwise. */
export async function filledTenant<F extends { events: number }>(
  system: System,
  name: string,
  report: Report,
  fill: (eventlog: PostgresEventLog, log: string) => Promise<F>,
): Promise<F & Pick<Tenant, 'name' | 'log' | 'keys'>> {
  const { keys } = await system.as('admin').post<{ keys: Record<string, string> }>('/v1/tenants', { id: name });
  const log = `${name}/0`;
  const eventlog = new PostgresEventLog(system.databaseUrl, { max: 1 });
  try {
    const started = performance.now();
    const filled = await fill(eventlog, log);
    const took = (performance.now() - started) / 1_000;
    report.say(`tenant ${name}: ${filled.events} events written in ${took.toFixed(0)} s`);
    await waitFor(`the followers of ${log}`, FOLLOWED_MS, async () => (await followed(system, log)) >= filled.events);
    report.say(`tenant ${name}: followed after ${((performance.now() - started) / 1_000 - took).toFixed(0)} s more`);
    await wake(system, keys);
    return { ...filled, name, log, keys };
  } finally {
    await eventlog.close();
  }
}

/** Its owner knows the log as it was before. What it writes next does not fit; it folds the log, and the retry does. */
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

/** The size of the tree that the ledger has signed last. */
async function followed(system: System, log: string): Promise<number> {
  const response = await fetch(`${system.credentials.url}/log/${log}/checkpoint`);
  return response.ok ? Number((await response.text()).split('\n')[1]) : 0;
}

/** Asks again and again, as any client would, until one action is permitted. */
export async function askUntilPermitted(system: System, tenant: Tenant): Promise<void> {
  const leaf = tenant.leaves[0];
  if (!leaf) throw new Error('the log has no lease');
  const body = JSON.stringify({
    grantId: leaf.grantId,
    action: { verb: 'file.read' },
    resource: { type: 'file', id: 'repo/a' },
  });
  const headers = { authorization: `Bearer ${tenant.keys.enforcer}`, 'content-type': 'application/json' };
  await waitFor('a permit', ANSWER_MS, async () => {
    const response = await fetch(`${system.credentials.url}/v1/actions`, { method: 'POST', headers, body }).catch(
      () => undefined,
    );
    const answer = (await response?.json()) as { decision?: string } | undefined;
    return answer?.decision === 'permit';
  });
}
