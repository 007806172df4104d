import { decide } from '@bailiwick/authority/commands/decide';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { openTestRun, TestLog, type Fields, type CommandResult, NO_ARGS } from '@bailiwick/authority/testing/harness';
import { deployment } from '@bailiwick/authority/testing/policies';
import type { Command, CommandType } from '@bailiwick/contracts/commands/command';
import type { Actor, Event, EventOf, EventType } from '@bailiwick/contracts/events/event';
import { deriveId } from '@bailiwick/core/derive-id';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { sent, type Call } from './asked-for';
import { at, PERSON, type Move, type MoveOf, type Pick, type Voice } from './moves';

type Kind = 'run' | 'grant' | 'tree' | 'action' | 'approval' | 'revocation';

/** Another log with one id of each kind; none of them may be valid in the log under test (I9). */
const elsewhere = (() => {
  const log = new TestLog(() => [], { log: 'default/1', tenant: 'default', n: 1 });
  const ids = openTestRun(log);
  return { run: ids.runId, grant: ids.grantId, tree: ids.treeId };
})();

const invented = (kind: Kind, n: number, log = 0): string => deriveId(kind, log, `made up ${n}`);

/** Plays moves on a log as an owner would receive them from faulty or malicious clients. */
export class Play {
  readonly log = new TestLog(judgeTrajectory);
  /** every command sent */
  readonly sent: Command[] = [];

  play(moves: readonly Move[], after: () => void = () => undefined): this {
    for (const move of moves) {
      (PLAYS[move.do] as (play: Play, move: Move) => unknown)(this, move);
      after();
    }
    return this;
  }

  /** Copies the log, so that other moves can be played on the copy. */
  copy(): Play {
    const { state, events, now } = this.log;
    const copy = new Play();
    Object.assign(copy.log, { state: fromSnapshot(toSnapshot(state)), events: [...events], now });
    return copy;
  }

  of<T extends EventType>(type: T): EventOf<T>[] {
    return this.log.events.filter((event): event is EventOf<T> => event.type === type);
  }

  ids(kind: Kind): string[] {
    const { events } = this.log;
    const all = events.flatMap((event): (string | undefined)[] => {
      switch (kind) {
        case 'grant':
          return event.type === 'GrantIssued' ? [event.grantId] : [];
        case 'run':
          return event.type === 'RunOpened' ? [event.runId] : [];
        case 'tree':
          return event.type === 'RunOpened' && event.data.parentRunId === undefined ? [event.treeId] : [];
        case 'action':
          return event.type === 'ActionPermitted' ? [event.actionId] : [];
        case 'approval':
          return event.type === 'ApprovalRequested' ? [event.data.approvalId] : [];
        case 'revocation':
          return event.type === 'RevocationRuleAdded' ? [event.data.revocationId] : [];
      }
    });
    return all as string[];
  }

  id(kind: Kind, { which, n }: Pick): string {
    if (which === 'foreign') return (elsewhere as Partial<Record<Kind, string>>)[kind] ?? invented(kind, n, 1);
    const known = this.ids(which === 'of another kind' ? (kind === 'run' ? 'grant' : 'run') : kind);
    // (the log records an approval id as sent, so it must be well-formed; the gateway ensures that)
    if (which === 'invented' || (which === 'of another kind' && kind === 'approval') || known.length === 0)
      return invented(kind, n);
    return known[which === 'late' ? Math.max(0, known.length - 1 - (n % 3)) : n % known.length] as string;
  }

  actor(voice: Voice, ownRun: string | undefined): Actor {
    const others = this.ids('run').filter((id) => id !== ownRun);
    switch (voice) {
      case 'own':
        return { kind: 'run', id: ownRun ?? invented('run', 0) };
      case 'parent': {
        const opened = this.of('RunOpened').find(({ runId }) => runId === ownRun);
        return { kind: 'run', id: opened?.data.parentRunId ?? invented('run', 2) };
      }
      case 'another run':
        return { kind: 'run', id: others[0] ?? invented('run', 1) };
      case 'person':
        return PERSON;
      case 'system':
        return { kind: 'system', id: 'intent' };
      case 'service':
        return { kind: 'service', id: 'key:orchestrator' };
    }
  }

  send<T extends CommandType>(move: HasKey, type: T, fields: Fields<T>): CommandResult {
    const n = String(this.sent.length).padStart(8, '0');
    const commandId = move.keyed ? `idk_${n}` : `cmd_s${n}`;
    const digest = move.keyed ? { requestDigest: `sha256:${n.padStart(64, '0')}` } : {};
    const command = this.log.command(type, sent({ commandId, ...digest, ...fields }));
    this.sent.push(command);
    return this.log.submit(command);
  }

  runOf(grantId: string): string | undefined {
    return this.log.events.find((event) => event.type === 'GrantIssued' && event.grantId === grantId)?.runId;
  }

  ask(move: HasKey, grantId: string, call: Call, who: Voice, approvalId?: string): CommandResult {
    return this.send(
      move,
      'authorize',
      sent({ ...asked(grantId, call), approvalId, actor: this.actor(who, this.runOf(grantId)) }),
    );
  }

  /** Checks whether a call would be permitted now, without writing anything. */
  peek(grantId: string, call: Call): Event['type'] | undefined {
    const command = this.log.command('authorize', { ...asked(grantId, call), commandId: 'cmd_only_a_look' });
    return this.decided(command).find((type) => type.startsWith('Action'));
  }

  /** Returns the types of the events that a command would write now, or none if it is refused. */
  decided(command: Command): Event['type'][] {
    const decided = decide(this.log.state, command, this.log.now, this.log.rules);
    return decided.ok ? decided.value.map((event) => event.type) : [];
  }
}
interface HasKey {
  readonly keyed: boolean;
}

export function asked(grantId: string, call: Call): Fields<'authorize'> {
  const { verb, tool, effect, resource, cost, units, args, labels, drift } = call;
  const argsDigest = args === undefined ? NO_ARGS : `sha256:${String(args).repeat(64)}`;
  return sent({
    grantId,
    action: sent({ verb, tool, effect, argsDigest }),
    resource,
    cost,
    units,
    labels,
    drift: typeof drift === 'number' ? { score: drift, features: [] } : drift,
    proof: { vouched: true as const },
  });
}

const PLAYS: { [K in Move['do']]: (play: Play, move: MoveOf<K>) => unknown } = {
  open: (play, move) =>
    play.send(
      move,
      'openRun',
      sent({
        agent: move.agent,
        principalRef: move.principal,
        purposeRef: move.purpose,
        grant: move.grant,
        requireApproval: move.ask,
        actor: play.actor(move.who, undefined),
      }),
    ),
  delegate(play, move) {
    const grantId = play.id('grant', move.grant);
    const actor = play.actor(move.who, play.runOf(grantId));
    return play.send(move, 'delegate', {
      grantId,
      agent: move.agent,
      purposeRef: move.purpose,
      grant: move.request,
      actor,
    });
  },
  act(play, move) {
    const approval = move.approval && play.id('approval', move.approval);
    return play.ask(move, play.id('grant', move.grant), move.call, move.who, approval);
  },
  serve,
  'try again': tryAgain,
  settle(play, { keyed, action, status, cost, who }) {
    const actionId = play.id('action', action);
    const permit = play.of('ActionPermitted').find((event) => event.actionId === actionId);
    const reserved = permit?.data.charge.cost ?? {};
    const USD = reserved.USD ?? 0;
    const costs: Record<typeof cost, Record<string, number> | undefined> = {
      'as reserved': undefined,
      less: USD > 1 ? { USD: USD - 1 } : {},
      more: { ...reserved, USD: USD + 3 },
      'more units': undefined,
      'another currency': { ...reserved, EUR: 1 },
    };
    const units = cost === 'more units' ? { tokens: (permit?.data.charge.units?.tokens ?? 0) + 2 } : undefined;
    const outcome = sent({ status, cost: costs[cost], units });
    return play.send({ keyed }, 'settle', { actionId, outcome, actor: play.actor(who, permit?.runId) });
  },
  complete(play, { keyed, run, who }) {
    const runId = play.id('run', run);
    return play.send({ keyed }, 'completeRun', { runId, actor: play.actor(who, runId) });
  },
  escalate(play, { keyed, run, want, answer, who }) {
    const runId = play.id('run', run);
    const result = play.send({ keyed }, 'escalate', { runId, want, actor: play.actor(who, runId) });
    const asked = 'events' in result ? result.events.find((event) => event.type === 'ApprovalRequested') : undefined;
    if (!answer || asked?.type !== 'ApprovalRequested') return;
    play.send({ keyed }, 'decideApproval', { approvalId: asked.data.approvalId, verdict: 'approve', actor: PERSON });
  },
  answer(play, { keyed, approval, approve, who }) {
    const approvalId = play.id('approval', approval);
    const runId = play.of('ApprovalRequested').find((event) => event.data.approvalId === approvalId)?.runId;
    const verdict = approve ? 'approve' : 'deny';
    return play.send({ keyed }, 'decideApproval', { approvalId, verdict, actor: play.actor(who, runId) });
  },
  suspend: (play, move) => play.send(move, 'suspend', { ...named(play, move), reasonCode: 'LOOK' }),
  resume: (play, move) => play.send(move, 'resume', { ...named(play, move), reasonCode: 'LOOKED' }),
  renew: (play, move) => play.send(move, 'renew', named(play, move)),
  narrow: (play, move) => play.send(move, 'narrow', { ...named(play, move), grant: move.request }),
  revoke: (play, move) => play.send(move, 'revokeGrant', named(play, move)),
  strike(play, { keyed, selector: { tree, before, ...same }, target: meant, quarantine, force, again, who }) {
    const known = play.ids('revocation');
    const revocationId = (again && known[0]) || deriveId('revocation', 0, `strike ${play.sent.length}`);
    const selector = sent({ ...same, treeId: tree && play.id('tree', tree), issuedBefore: at(play.log.now, before) });
    const target = same.tool === undefined ? undefined : meant;
    const previewed = { digest: 'as seen', asOf: Math.max(0, play.log.state.next - 3) };
    const actor = play.actor(who, play.ids('run')[0]);
    return play.send(
      { keyed },
      'revokeSelector',
      sent({ revocationId, selector, target, quarantine, force, previewed, actor }),
    );
  },
  lift(play, { keyed, revocation, who }) {
    const revocationId = play.id('revocation', revocation);
    return play.send({ keyed }, 'liftQuarantine', { revocationId, actor: play.actor(who, play.ids('run')[0]) });
  },
  'set budget': (play, { keyed, name, selector, budget, who }) =>
    play.send({ keyed }, 'setTenantBudget', { name, selector, budget, actor: play.actor(who, play.ids('run')[0]) }),
  'remove budget': (play, { keyed, name, who }) =>
    play.send({ keyed }, 'removeTenantBudget', { name, actor: play.actor(who, play.ids('run')[0]) }),
  'deploy policy'(play, { keyed, verbs, effect, risk, rules, behind, who }) {
    const { version } = play.log.state.policies;
    const catalog = verbs.length > 0 ? { catalog: [{ match: verbs, effects: [effect], risk }] } : {};
    const fields = deployment({ ...catalog, ...(rules ? { rules } : {}) }, Math.max(0, version - behind));
    return play.send({ keyed }, 'deployPolicy', { ...fields, actor: play.actor(who, play.ids('run')[0]) });
  },
  drift(play, { keyed, run, score, who }) {
    const runId = play.id('run', run);
    return play.send({ keyed }, 'recordDrift', {
      runId,
      score,
      features: [],
      monitor: 'test',
      actor: play.actor(who, runId),
    });
  },
  wait(play, { for: long, tick }) {
    const { log } = play;
    const next = Math.max(log.now, log.state.deadlines.peek()?.at ?? log.now);
    if (typeof long === 'number') log.now += long;
    else log.now = long === 'to just before it' ? Math.max(log.now, next - 1) : next;
    if (tick) log.tickAll();
  },
  tick: (play) => play.log.tickAll(),
  repeat(play, { n, last }) {
    const again = play.sent.at(last ? -1 : n % Math.max(1, play.sent.length));
    return again && play.log.submit(again);
  },
  'reuse its id'(play, { n, call, grant }) {
    const taken = play.sent[n % Math.max(1, play.sent.length)];
    if (!taken) return;
    const { commandId } = taken;
    const requestDigest = taken.requestDigest && `sha256:${'f'.repeat(64)}`;
    const fields = sent({ ...asked(play.id('grant', grant), call), commandId, requestDigest });
    return play.log.submit(play.log.command('authorize', fields));
  },
};

function named(play: Play, { grant, who }: { grant: Pick; who: Voice }): { grantId: string; actor: Actor } {
  const grantId = play.id('grant', grant);
  return { grantId, actor: play.actor(who, play.runOf(grantId)) };
}

/** Acts for a call to an agent: mostly under a lease of the agent that it names, in another tree. */
function serve(play: Play, { keyed, grant, action, call, who }: MoveOf<'serve'>): CommandResult {
  const choose = <T>(all: readonly T[], { which, n }: Pick): T | undefined => {
    if (which === 'late') return all[Math.max(0, all.length - 1 - (n % 3))];
    return which === 'any' ? all[n % all.length] : undefined;
  };
  const calls = play.of('ActionPermitted').filter(({ data }) => data.resource.type === 'agent');
  const named = choose(calls, action);
  const opened = play
    .of('RunOpened')
    .filter(({ treeId, data }) => treeId !== named?.treeId && data.agent.class === named?.data.resource.id);
  const services = play.of('GrantIssued').filter((each) => opened.some(({ runId }) => runId === each.runId));
  const grantId = choose(services, grant)?.grantId ?? play.id('grant', grant);
  const actor = play.actor(who, play.runOf(grantId));
  const onBehalfOf = { actionId: named?.actionId ?? play.id('action', action) };
  return play.send({ keyed }, 'authorize', { ...asked(grantId, call), onBehalfOf, actor });
}

/** Repeats the call that an approval was requested for, unchanged or with one part changed. */
function tryAgain(play: Play, { keyed, approval, change, call, answer }: MoveOf<'try again'>): void {
  const ids = play.of('ActionStepUp').map((event) => event.data.approvalId);
  const approvalId =
    ids.length > 0 ? (ids[Math.max(0, ids.length - 1 - (approval.n % 3))] as string) : play.id('approval', approval);
  const first = play.sent.find(
    (each) =>
      each.type === 'authorize' &&
      play
        .of('ActionStepUp')
        .some((event) => event.commandId === each.commandId && event.data.approvalId === approvalId),
  );
  if (answer) play.send({ keyed }, 'decideApproval', { approvalId, verdict: 'approve', actor: PERSON });
  if (first?.type !== 'authorize') return;
  const fields = changed(play, first, change, call);
  play.send({ keyed }, 'authorize', { ...fields, approvalId });
}

export function changed(
  play: Play,
  first: Extract<Command, { type: 'authorize' }>,
  change: MoveOf<'try again'>['change'],
  call: Call,
): Fields<'authorize'> {
  const { commandId: _id, requestDigest: _digest, log: _log, type: _type, ...same } = first;
  const other = asked(same.grantId, call);
  switch (change) {
    case undefined:
      return same;
    case 'verb':
      return { ...same, action: { ...same.action, verb: other.action.verb } };
    case 'tool':
      return { ...same, action: { ...same.action, tool: same.action.tool === 'x' ? 'y' : 'x' } };
    case 'effect':
      return { ...same, action: { ...same.action, effect: other.action.effect } };
    case 'args':
      return { ...same, action: { ...same.action, argsDigest: `sha256:${'9'.repeat(64)}` } };
    case 'resource':
      return { ...same, resource: other.resource };
    case 'attributes':
      return { ...same, resource: { ...same.resource, attributes: { owner: 'someone else' } } };
    case 'cost':
      return { ...same, cost: other.cost };
    case 'run':
      return {
        ...same,
        grantId: play.ids('grant').find((id) => play.runOf(id) !== play.runOf(same.grantId)) ?? same.grantId,
      };
  }
}
