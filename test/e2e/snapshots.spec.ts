import { fillLog } from '../../tools/bench/src/data/fill';
import { emptyState } from '@bailiwick/authority/state/state';
import { evolve } from '@bailiwick/authority/events/evolve';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { FOLD_VERSION, fromSnapshotParts } from '@bailiwick/authority/state/snapshot';
import { parseEvent } from '@bailiwick/contracts/events/event';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { LIMITS } from '@bailiwick/core/limits';
import { databaseUrl, sql } from '../chaos/log';
import { http, Stack, until } from '../support/stack';

const LOG = 'grown/0';
const DEPTH = 10;
const RUN = {
  agent: { class: 'orchestrator' },
  requestedBy: 'user:owner@example.com',
  purpose: 'Look',
  grant: { actions: { allow: ['file.read'] }, resources: [{ type: 'file', match: '**' }] },
};

/** Covers the snapshot thread of the owners, in the built processes. */
describe('a long log', () => {
  let stack: Stack;
  let eventlog: PostgresEventLog;
  let keys: Record<string, string>;

  beforeAll(async () => {
    stack = await Stack.start();
    eventlog = new PostgresEventLog(databaseUrl(stack), { max: 2 });
    await eventlog.createLog(LOG);
    const chains = Math.ceil(LIMITS.snapshotEveryEvents / 2 / DEPTH); // one event for each run and each lease
    await fillLog(eventlog, LOG, { chains, depth: DEPTH, rules: 2 });
    // the owner may have loaded the log before it was filled; then its first record fails, and it folds the log again
    let status = 0;
    await until('the keys of the tenant', async () => {
      const body = { id: 'grown', ...(status === 503 ? { reissue: true } : {}) };
      const answer = await http(stack, 'POST', '/v1/tenants', { key: stack.keys.admin as string, body });
      keys = answer.body.keys as Record<string, string>;
      return (status = answer.status) === 201;
    });
  }, 180_000);
  afterAll(async () => {
    await eventlog.close();
    await stack.stop();
  });

  const opened = () =>
    until(
      'a run to be opened',
      async () =>
        (await http(stack, 'POST', '/v1/runs', { key: keys.orchestrator as string, body: RUN })).status === 201,
      60_000,
    );

  it('gets a snapshot equal to the fold of its events, and the next owner starts from it', async () => {
    await opened(); // it has an owner now, which knows its length
    await until('the snapshot', async () => (await eventlog.latestSnapshot(LOG, FOLD_VERSION)) !== undefined, 120_000);
    const { position, parts } = (await eventlog.latestSnapshot(LOG, FOLD_VERSION))!;
    expect(position).toBeGreaterThanOrEqual(LIMITS.snapshotEveryEvents);
    const texts: string[] = [];
    for await (const part of parts) texts.push(part);
    expect(stateDigest(fromSnapshotParts(texts))).toBe(await digestOfFirst(position));

    const { pid } = stack.status().services.find(({ name }) => name === 'delegation')!;
    // a fold from position 0 would now fail
    await sql(
      databaseUrl(stack),
      `SET session_replication_role = replica; DELETE FROM event WHERE log = '${LOG}' AND position < 10`,
    );
    process.kill(pid, 'SIGKILL');
    await opened();
  }, 240_000);

  async function digestOfFirst(count: number): Promise<string> {
    const state = emptyState(LOG, 'grown', 0);
    while (state.next < count) {
      const wanted = Math.min(LIMITS.readBatchEvents, count - state.next);
      const events = await eventlog.read(LOG, state.next, wanted);
      if (events.length === 0) throw new Error(`the log ends at ${state.next}, before its snapshot`);
      for (const { body } of events) evolve(state, parseEvent(body));
    }
    return stateDigest(state);
  }
});
