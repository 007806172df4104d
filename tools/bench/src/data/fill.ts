import { decide } from '@bailiwick/authority/commands/decide';
import { evolve } from '@bailiwick/authority/events/evolve';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { seal } from '@bailiwick/authority/commands/seal';
import { emptyState } from '@bailiwick/authority/state/state';
import { commandSchema } from '@bailiwick/contracts/commands/command';
import type { Event } from '@bailiwick/contracts/events/event';
import type { AppendEvent, EventLog } from '@bailiwick/event-store/port';
import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import { deriveId } from '@bailiwick/core/derive-id';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';

const RULES = { judge: judgeTrajectory, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };

export interface Shape {
  /** number of trees, each a single chain of leases */
  readonly chains: number;
  /** number of leases per chain, including the root */
  readonly depth: number;
  /** number of active revocation rules, each for a different agent class; no lease matches them */
  readonly rules: number;
}
export interface Filled {
  readonly events: number;
  readonly grants: number;
  /** the leaf of each chain, with its run */
  readonly leaves: readonly { readonly grantId: string; readonly runId: string }[];
}

/**
 * Writes a log directly into the store, as its owner could have written it: the rules decide one chain of leases, and
 * the others are copies of it with different ids.
 */
export async function fillLog(eventlog: EventLog, log: string, { chains, depth, rules }: Shape): Promise<Filled> {
  const like = chainLike(log, depth);
  const { n } = parseLogName(log);
  const writer = new Writer(eventlog, log);
  const leaves: { grantId: string; runId: string }[] = [];
  for (let i = 0; i < rules; i++) await writer.add(ruleLike(like.rule, n, i), like.rule.commandId);
  for (let chain = 0; chain < chains; chain++) {
    const named = new Map<string, string>();
    const name = (id: string | undefined): string | undefined => {
      if (id === undefined) return undefined;
      const kind = id.startsWith('grt') ? 'grant' : id.startsWith('run') ? 'run' : 'tree';
      const fresh = named.get(id) ?? deriveId(kind, n, id, String(chain));
      named.set(id, fresh);
      return fresh;
    };
    const time = rfc3339((parseTime(like.rule.time) as number) + Math.floor((chain / chains) * AGE_MS));
    for (const event of like.chain)
      await writer.add({ ...renamed(event, name), time }, `cmd_${chain}-${event.commandId.slice(4)}`);
    const last = like.chain[like.chain.length - 1] as Event;
    leaves.push({ grantId: name(last.grantId) as string, runId: name(last.runId) as string });
  }
  return { events: await writer.end(), grants: chains * depth, leaves };
}

/** Decides the events of one chain of leases and of one revocation rule. */
function chainLike(log: string, depth: number): { chain: Event[]; rule: Event } {
  const { tenant, n } = parseLogName(log);
  const state = emptyState(log, tenant, n);
  const now = Date.now() - AGE_MS;
  let commands = 0;
  const run = (command: Record<string, unknown>): Event[] => {
    const parsed = commandSchema.parse({
      log,
      commandId: `cmd_${String(commands++).padStart(8, '0')}`,
      actor: { kind: 'service', id: 'key:orchestrator', role: 'orchestrator' },
      ...command,
    });
    const decided = decide(state, parsed, now, RULES);
    if (!decided.ok) throw new Error(`a lease of the benchmark was refused: ${decided.error.detail}`);
    return decided.value.map((fresh) => {
      const { event } = seal(state, parsed, now, fresh);
      evolve(state, event);
      return event;
    });
  };
  const refs = { principalRef: `ref_${'0'.repeat(26)}`, purposeRef: `ref_${'1'.repeat(26)}` };
  const chain = run({ type: 'openRun', agent: { class: 'orchestrator' }, ...refs, grant: lease(depth) });
  for (let level = 1; level < depth; level++) {
    const { grantId } = chain[chain.length - 1] as Event;
    chain.push(
      ...run({
        type: 'delegate',
        grantId,
        agent: { class: 'worker' },
        purposeRef: refs.purposeRef,
        grant: lease(depth - level),
      }),
    );
  }
  const selector = { agentClass: 'unused' };
  const [rule] = run({
    type: 'revokeSelector',
    revocationId: deriveId('revocation', n, 'bench'),
    selector,
    force: true,
  });
  return { chain, rule: rule as Event };
}

const MUCH = 1_000_000_000;
/** The events are spread over half an hour, so that the owner has forgotten the commands, which it keeps for minutes. */
const AGE_MS = 30 * 60_000;
const lease = (levels: number) => ({
  actions: { allow: ['file.*'] },
  resources: [{ type: 'file', match: 'repo/**' }],
  budget: { calls: MUCH, reads: MUCH, writes: MUCH, external: MUCH },
  delegation:
    levels > 1 ? { depth: levels - 1, children: 1_000, classes: ['*'] } : { depth: 0, children: 0, classes: [] },
  time: { ttl: '8h' },
});

function renamed(event: Event, name: (id: string | undefined) => string | undefined): Event {
  const data = event.data as { parentRunId?: string; parentId?: string };
  return {
    ...event,
    treeId: name(event.treeId),
    runId: name(event.runId),
    ...(event.grantId === undefined ? {} : { grantId: name(event.grantId) }),
    data: {
      ...data,
      ...(data.parentRunId === undefined ? {} : { parentRunId: name(data.parentRunId) }),
      ...(data.parentId === undefined ? {} : { parentId: name(data.parentId) }),
    },
  } as Event;
}

function ruleLike(rule: Event, n: number, i: number): Event {
  const data = {
    ...rule.data,
    revocationId: deriveId('revocation', n, `bench-${i}`),
    selector: { agentClass: `unused-${i}` },
  };
  return { ...rule, data } as Event;
}

/** Appends events in groups of the size that an owner uses. */
export class Writer {
  private group: AppendEvent[] = [];
  private next = 0;

  constructor(
    private readonly eventlog: EventLog,
    private readonly log: string,
  ) {}

  async add(like: Event, commandId: string): Promise<void> {
    const { n } = parseLogName(this.log);
    const position = this.next++;
    const event = { ...like, position, id: deriveId('event', n, commandId, String(position)), commandId };
    const { type, time, tenant, treeId, runId, grantId, actionId } = event;
    this.group.push({
      position,
      type,
      time,
      tenant,
      treeId,
      runId,
      grantId,
      actionId,
      commandId,
      body: JSON.stringify(event),
    });
    if (this.group.length >= LIMITS.appendBatchEvents) await this.write();
  }

  async end(): Promise<number> {
    await this.write();
    return this.next;
  }

  private async write(): Promise<void> {
    const group = this.group;
    this.group = [];
    if (!group[0]) return;
    const written = await this.eventlog.append(this.log, group[0].position, group);
    if (!written.ok) throw new Error(`filling ${this.log} failed: ${written.detail}`);
  }
}
