import { decide } from '@bailiwick/authority/commands/decide';
import { evolve } from '@bailiwick/authority/events/evolve';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { seal } from '@bailiwick/authority/commands/seal';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import type { Command } from '@bailiwick/contracts/commands/command';
import type { Event } from '@bailiwick/contracts/events/event';
import type { EventLog } from '@bailiwick/event-store/port';
import { rfc3339 } from '@bailiwick/core/clock';
import { parseLogName } from '@bailiwick/core/ids';
import { deriveId } from '@bailiwick/core/derive-id';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { Writer } from './fill';

const MUCH = 1_000_000_000;
const TREES = 64;
/** The events are spread over the last half hour. */
const AGE_MS = 30 * 60_000;
const RULES = { judge: judgeTrajectory, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
const LEASE = {
  actions: { allow: ['file.*'] },
  resources: [{ type: 'file', match: 'repo/**' }],
  budget: { calls: MUCH, reads: MUCH, writes: MUCH, external: MUCH, cost: { USD: MUCH } },
  delegation: { depth: 1, children: 10, classes: ['*'] },
  time: { ttl: '8h' },
};
const REFS = { principalRef: `ref_${'0'.repeat(26)}`, purposeRef: `ref_${'1'.repeat(26)}` };

/** A log in memory whose events the rules decide. */
export class Decider {
  readonly state: LogState;
  readonly leaves: string[] = [];
  private commands = 0;
  private asked = 0;

  constructor(
    log: string,
    private readonly keep: (event: Event) => void = () => undefined,
    private readonly now = Date.now() - AGE_MS,
  ) {
    const { tenant, n } = parseLogName(log);
    this.state = emptyState(log, tenant, n);
    for (let tree = 0; tree < TREES; tree++) {
      const root = this.run({ type: 'openRun', agent: { class: 'orchestrator' }, ...REFS, grant: LEASE });
      const { grantId } = root.at(-1) as Event;
      const agent = { class: `worker-${tree % 8}` };
      const grant = { actions: { allow: ['file.read'] }, budget: { calls: MUCH / 10 } };
      const leaf = this.run({ type: 'delegate', grantId, agent, purposeRef: REFS.purposeRef, grant });
      this.leaves.push((leaf.at(-1) as Event).grantId as string);
    }
  }

  /** Permits and completes one action of the next lease; returns the two events. */
  act(): Event[] {
    const grantId = this.leaves[this.asked++ % this.leaves.length];
    const permitted = this.run({
      type: 'authorize',
      grantId,
      action: { verb: 'file.read', argsDigest: `sha256:${'0'.repeat(64)}` },
      resource: { type: 'file', id: `repo/src/${this.asked % 1_000}.ts` },
      cost: { USD: 1 },
      proof: { vouched: true },
    });
    const { actionId } = permitted[0] as Event;
    return [...permitted, ...this.run({ type: 'settle', actionId, outcome: { status: 'completed' } })];
  }

  private run(fields: Record<string, unknown>): Event[] {
    const command = {
      log: this.state.log,
      commandId: `cmd_${String(this.commands++).padStart(8, '0')}`,
      actor: { kind: 'service', id: 'key:orchestrator', role: 'orchestrator' },
      ...fields,
    } as unknown as Command;
    const decided = decide(this.state, command, this.now, RULES);
    if (!decided.ok) throw new Error(`a command of the benchmark was refused: ${decided.error.detail}`);
    return decided.value.map((fresh) => {
      const { event } = seal(this.state, command, this.now, fresh);
      evolve(this.state, event);
      this.keep(event);
      return event;
    });
  }
}

/** Writes a log of decisions, each with its outcome. */
export async function fillDecisions(eventlog: EventLog, log: string, decisions: number): Promise<{ events: number }> {
  const writer = new Writer(eventlog, log);
  for (const event of decisionEvents(log, decisions)) await writer.add(event, event.commandId);
  return { events: await writer.end() };
}

/** Yields the events of a log of decisions. The rules decide one action per lease; the others are copies. */
export function* decisionEvents(log: string, decisions: number): Generator<Event> {
  const opening: Event[] = [];
  const decider = new Decider(log, (event) => opening.push(event));
  yield* opening.slice();
  const like = decider.leaves.map(() => decider.act());
  const { n } = parseLogName(log);
  const startedAt = Date.now() - AGE_MS;
  for (let i = 0; i < decisions; i++) {
    const actionId = deriveId('action', n, 'bench', String(i));
    const time = rfc3339(startedAt + Math.floor((i / decisions) * AGE_MS));
    for (const [part, event] of (like[i % like.length] as Event[]).entries()) {
      const expiresAt = rfc3339(startedAt + 2 * AGE_MS);
      const data = event.type === 'ActionPermitted' ? { ...event.data, expiresAt } : event.data;
      yield { ...event, actionId, time, data, commandId: `cmd_act-${i}-${part}` } as Event;
    }
  }
}
