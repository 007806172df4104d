import type { Rules } from '@bailiwick/authority/commands/types';
import { evolve } from '@bailiwick/authority/events/evolve';
import { tenantDefaults } from '@bailiwick/authority/commands/grants/resolve';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { emptyState } from '@bailiwick/authority/state/state';
import type { Answer, Command, CommandOf, CommandType } from '@bailiwick/contracts/commands/command';
import { parseEvent, type Event } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import type { EventLog } from '@bailiwick/event-store/port';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { LogOwner } from '../log-owner/owner';
import type { OwnerOptions } from '../log-owner/ports';
import { HandledLog } from './handled-log';

export const LOG = 'default/0';
export const REF = 'ref_00000000000000000000000000';
export const RULES: Rules = { judge: () => [], catalog: DEFAULT_CATALOG, defaults: tenantDefaults };

/** A grant that permits everything a test does not examine. */
export const ROOMY: GrantRequest = {
  actions: { allow: ['*'] },
  resources: [{ type: '*', match: '**' }],
  budget: { calls: 10_000, reads: 10_000, writes: 10_000, external: 10_000, cost: { USD: 1_000_000 } },
  delegation: { depth: 3, children: 100, classes: ['*'] },
};

type Body<T extends CommandType> = Omit<CommandOf<T>, 'type' | 'log' | 'commandId' | 'actor'>;

/** Returns a command as a message contains it, with a unique ID unless `more` has one. */
export function command<T extends CommandType>(type: T, body: Body<T>, more: Partial<Command> = {}): Command {
  commands += 1;
  const base = {
    log: LOG,
    commandId: `cmd_${String(commands).padStart(10, '0')}`,
    actor: { kind: 'service', id: 'key:test' },
  };
  return { ...base, ...body, ...more, type } as unknown as Command;
}
let commands = 0;

export const openRun = (grant: GrantRequest = ROOMY, more: Partial<Command> = {}): Command =>
  command('openRun', { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant }, more);

export const authorize = (grantId: string, more: Partial<CommandOf<'authorize'>> = {}): Command =>
  command(
    'authorize',
    { grantId, action: { verb: 'file.read' }, resource: { type: 'file', id: 'a/b' }, proof: { vouched: true } },
    more as Partial<Command>,
  );

/** Returns the value of a response that must not be a refusal. */
export function value<T = Record<string, unknown>>(answer: Answer): T {
  if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer.refusal)}`);
  return answer.value as T;
}
export const refusal = (answer: Answer): string | undefined => (answer.ok ? undefined : answer.refusal.code);
export const decision = (answer: Answer): unknown => value<{ decision?: unknown }>(answer).decision;
export const grantIdOf = (answer: Answer): string => value<{ grant: { id: string } }>(answer).grant.id;

/** Returns all stored events of a log. */
export async function eventsOf(eventlog: Pick<EventLog, 'read'>, log = LOG): Promise<Event[]> {
  return (await eventlog.read(log, 0, 1_000_000)).map((event) => parseEvent(event.body));
}

/** Returns the digest of the state folded from position 0 (I10). */
export async function digestFromZero(eventlog: Pick<EventLog, 'read'>, log = LOG): Promise<string> {
  const state = emptyState(log, log.split('/')[0] as string, Number(log.split('/')[1]));
  for (const event of await eventsOf(eventlog, log)) evolve(state, event);
  return stateDigest(state);
}

/** Owners of one log in memory, with a record of their announcements and warnings. */
export class World {
  readonly eventlog = new HandledLog(undefined, () => this.now);
  readonly warnings: string[] = [];
  /** the first position and one past the last of each announced commit */
  readonly announced: [from: number, next: number][] = [];
  now = Date.parse('2026-01-01T00:00:00.000Z');
  private readonly owners: LogOwner[] = [];

  static async start(options: Partial<OwnerOptions> = {}): Promise<{ world: World; owner: LogOwner }> {
    const world = new World();
    await world.eventlog.createLog(LOG);
    return { world, owner: world.owner(options) };
  }

  /** Starts another owner over the current log. */
  owner(options: Partial<OwnerOptions> = {}): LogOwner {
    const owner = new LogOwner({
      log: LOG,
      eventlog: this.eventlog,
      rules: RULES,
      clock: { now: () => this.now },
      elapsed: { now: () => this.now },
      publish: ({ from, next }) => this.announced.push([from, next]),
      warn: (message) => this.warnings.push(message),
      ...options,
    });
    owner.start();
    this.owners.push(owner);
    return owner;
  }

  /** Submits all commands at once, so that one batch takes them if they fit. */
  together(owner: LogOwner, all: readonly unknown[]): Promise<Answer[]> {
    return Promise.all(all.map((each) => owner.submit(each)));
  }

  events(): Promise<Event[]> {
    return eventsOf(this.eventlog);
  }

  digest(owner: LogOwner): Promise<string> {
    return owner.read(stateDigest);
  }

  async end(): Promise<void> {
    await Promise.all(this.owners.map((owner) => owner.stop()));
  }
}

/** Waits until all work that needs no external event is done. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
}
