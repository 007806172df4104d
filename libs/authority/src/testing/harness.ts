import { canonicalDigest } from '@bailiwick/core/digest';
import type { Command, CommandOf, CommandType } from '@bailiwick/contracts/commands/command';
import type { Event, EventOf, EventType } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import type { JudgeTrajectory } from '@bailiwick/contracts/actions/trajectory';
import { judgeConditions } from '@bailiwick/policy/conditions/judge-conditions';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { decide } from '../commands/decide';
import type { Decided, Rules } from '../commands/types';
import { evolve } from '../events/evolve';
import { tenantDefaults } from '../commands/grants/resolve';
import { sealAll } from '../commands/seal';
import { emptyState, isKeyed, type LogState } from '../state/state';
import { bodyDigest, evolveStored, type StoredBody } from '../state/stored';

/** An in-memory log for tests: takes commands, returns events and folds them. No I/O; it has its own clock. */
export class TestLog {
  readonly state: LogState;
  readonly events: Event[] = [];
  now = Date.parse('2026-01-01T00:00:00.000Z');
  readonly rules: Rules;
  /** receives each decision before its events are folded */
  watch: (command: Command, decided: Decided) => void = () => undefined;
  private commands = 0;

  constructor(judge: JudgeTrajectory = () => [], { log, tenant, n } = { log: 'default/0', tenant: 'default', n: 0 }) {
    this.state = emptyState(log, tenant, n);
    this.rules = { judge, judgeConditions, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
  }

  /** Decides and folds; returns the new events or the refusal, which must not have changed anything. */
  try<T extends CommandType>(type: T, fields: Fields<T>): CommandResult {
    return this.submit(this.command(type, fields));
  }

  /** Answers as the owner does: a known command receives its original response, and nothing is decided. */
  submit(command: Command): CommandResult {
    const known = (isKeyed(command.commandId) ? this.state.keyed : this.state.tries).get(command.commandId);
    if (known && known.requestDigest === command.requestDigest)
      return { events: this.events.slice(known.first, known.first + known.count), again: true };
    if (known) return { refusal: { code: 'IDEMPOTENCY_KEY_REUSED', detail: command.commandId } };
    const decided = decide(this.state, command, this.now, this.rules);
    this.watch(command, decided);
    if (!decided.ok) return { refusal: decided.error };
    const sealed = sealAll(this.state, command, this.now, decided.value);
    if (!sealed.ok) return { refusal: sealed.error };
    return { events: sealed.value.map(({ event }) => this.append(event)) };
  }

  /** Does the same as `try`, if a refusal would be an error in the test. */
  do<T extends CommandType>(type: T, fields: Fields<T>): Event[] {
    const result = this.try(type, fields);
    if ('refusal' in result) throw new Error(`${type} refused: ${JSON.stringify(result.refusal)}`);
    return result.events;
  }

  /** Runs every deadline that is due, as the owner does. */
  tickAll(): Event[] {
    const all: Event[] = [];
    for (let events = this.do('tick', {}); events.length > 0; events = this.do('tick', {})) all.push(...events);
    return all;
  }

  /** Folds an event that may not come from a decision. */
  append(event: Event): Event {
    evolve(this.state, event);
    this.events.push(event);
    return event;
  }

  /** Folds a stored body, even one that cannot be read. */
  store(stored: StoredBody): void {
    const event = evolveStored(this.state, stored);
    this.events.push(event ?? (readJson(stored.body) as Event));
  }

  command<T extends CommandType>(type: T, fields: Fields<T>): Command {
    this.commands += 1;
    return {
      log: this.state.log,
      commandId: `cmd_${String(this.commands).padStart(8, '0')}`,
      actor: { kind: 'service', id: 'key:test' },
      type,
      ...fields,
    } as unknown as Command;
  }
}

/** The result of a command; `again` marks the repeated result of an earlier one. */
export type CommandResult = { events: Event[]; again?: true } | { refusal: Refusal };

export type Fields<T extends CommandType> = Omit<CommandOf<T>, 'type' | 'log' | 'commandId' | 'actor'> &
  Partial<Pick<CommandOf<T>, 'commandId' | 'actor'>>;

/** Parses a body that is not an event, to keep its place among the events. */
function readJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

/** Permits a call to an agent, and the action of that agent for it. */
export function brokered(log: TestLog): void {
  const call = act(log, openTestRun(log).grantId, 'agent.call', { resource: { type: 'agent', id: 'worker' } });
  act(log, openTestRun(log).grantId, 'file.read', { onBehalfOf: { actionId: call.actionId as string } });
}

/** Stores an event that cannot follow, in a separate tree, and lets a person set it aside. */
export function misfit(log: TestLog): Event[] {
  const { grantId } = openTestRun(log);
  const suspended = only(log.do('suspend', { grantId, reasonCode: 'LOOK' }), 'GrantSuspended');
  const position = log.state.next;
  const body = JSON.stringify({ ...suspended, position, id: `${suspended.id}x`, commandId: 'cmd_misfit00' });
  log.store({ position, body });
  return log.do('setAsideEvent', {
    position,
    bodyDigest: bodyDigest(body),
    actor: { kind: 'person', id: 'person:ann' },
  });
}

export const REF = 'ref_00000000000000000000000000';

/** Opens a run with a generous grant, for tests of other behavior. */
export function openTestRun(
  log: TestLog,
  grant: GrantRequest = ROOMY,
  agentClass = 'worker',
): { runId: string; grantId: string; treeId: string } {
  const events = log.do('openRun', { agent: { class: agentClass }, principalRef: REF, purposeRef: REF, grant });
  const issued = only(events, 'GrantIssued');
  return { runId: issued.runId as string, grantId: issued.grantId as string, treeId: issued.treeId as string };
}

export function delegateTestRun(
  log: TestLog,
  parent: string,
  grant: GrantRequest = {},
  agentClass = 'helper',
): { runId: string; grantId: string } {
  const issued = only(
    log.do('delegate', { grantId: parent, agent: { class: agentClass }, purposeRef: REF, grant }),
    'GrantIssued',
  );
  return { runId: issued.runId as string, grantId: issued.grantId as string };
}

export const ROOMY: GrantRequest = {
  actions: { allow: ['*'] },
  resources: [{ type: '*', match: '**' }],
  budget: { calls: 100, reads: 100, writes: 100, external: 100, cost: { USD: 1000 } },
  delegation: { depth: 3, children: 10, classes: ['*'] },
};

/** Digest of `{}`. */
export const NO_ARGS = canonicalDigest({});

/** Asks for one action and returns the event of the decision. */
export function act(
  log: TestLog,
  grantId: string,
  verb: string,
  more: Partial<Fields<'authorize'>> = {},
): EventOf<'ActionPermitted'> | EventOf<'ActionDenied'> | EventOf<'ActionStepUp'> {
  const events = log.do('authorize', {
    grantId,
    resource: { type: 'file', id: 'a/b' },
    proof: { vouched: true },
    ...more,
    // a step-up needs exact arguments
    action: { argsDigest: NO_ARGS, verb, ...more.action },
  });
  const decision = events.find((event) => DECISIONS.includes(event.type));
  if (!decision) throw new Error(`no decision among ${events.map((event) => event.type).join(', ')}`);
  return decision as EventOf<'ActionPermitted'>;
}
const DECISIONS: EventType[] = ['ActionPermitted', 'ActionDenied', 'ActionStepUp'];

export function only<T extends EventType>(events: readonly Event[], type: T): EventOf<T> {
  const found = events.filter((event) => event.type === type);
  if (found.length !== 1) throw new Error(`want one ${type}, got ${events.map((event) => event.type).join(', ')}`);
  return found[0] as EventOf<T>;
}
