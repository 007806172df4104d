import fc from 'fast-check';
import { classify } from '@bailiwick/authority/matching/catalog';
import { decide } from '@bailiwick/authority/commands/decide';
import { seal } from '@bailiwick/authority/commands/seal';
import {
  act,
  brokered,
  only,
  openTestRun,
  REF,
  ROOMY,
  TestLog,
  type Fields,
} from '@bailiwick/authority/testing/harness';
import { fireResponder } from '@bailiwick/authority/testing/responders';
import { answers, CAREFUL } from '@bailiwick/authority/testing/approvers';
import { bodyDigest, evolveStored } from '@bailiwick/authority/state/stored';
import { COMMANDS, readCommand, type Command, type CommandType } from '@bailiwick/contracts/commands/command';
import { EVENT_DATA, parseEvent, type Actor } from '@bailiwick/contracts/events/event';
import { EFFECTS, type GrantRequest } from '@bailiwick/contracts/grants/grant';
import type { IdKind } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { drafts, inventedId, NAMES, type Draft } from './maximal';
import { Tally } from './naive';

/**
 * Fails if a command admits more labels than the event has room for next to those of the rules, or if a merged grant is
 * not checked against the maxima.
 */
fc.configureGlobal({ seed: 20261129 });

const FILE = { type: 'file', id: 'a/b' };
const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const costs = (from: number, count = 8): Record<string, number> =>
  Object.fromEntries(many(count, (i) => [`${String.fromCharCode(65 + from + i)}AA`, 100]));

/** Parses and decides a command, and reads back every event it writes, as later readers do. */
function readBack<T extends CommandType>(log: TestLog, type: T, fields: Fields<T>): string {
  const parsed = readCommand(JSON.parse(JSON.stringify(log.command(type, fields))));
  if (!parsed.success) throw new Error(`no command: ${parsed.error.message}`);
  const decided = decide(log.state, parsed.data, log.now, log.rules);
  if (!decided.ok) return decided.error.code;
  const first = log.state.next;
  for (const [i, fresh] of decided.value.entries()) {
    const { event, body } = seal(log.state, parsed.data, log.now, fresh, first + i);
    expect(parseEvent(body)).toEqual(event);
  }
  const last = decided.value.at(-1);
  return last?.type === 'Refused' ? last.data.code : (last?.type ?? 'nothing');
}

describe('issue 13.0: every event written by the commands of a run can be read back', () => {
  const opened = (grant: GrantRequest): { log: TestLog; runId: string; grantId: string } => {
    const log = new TestLog();
    return { log, ...openTestRun(log, { ...ROOMY, ...grant }) };
  };

  it('a denied call with the maximum number of labels', () => {
    const { log, grantId } = opened({ actions: { allow: ['*'], deny: ['email.read'] } });
    const labels = many(32, (i) => `label${i}`);
    const fields = {
      grantId,
      action: { verb: 'email.read' },
      resource: FILE,
      labels,
      proof: { vouched: true },
    } as const;
    expect(readBack(log, 'authorize', fields)).toBe('ActionDenied');
  });

  const want: [string, GrantRequest, GrantRequest][] = [
    [
      'resource selectors',
      { resources: many(40, (i) => ({ type: 'file', match: `a/${i}` })) },
      { resources: many(40, (i) => ({ type: 'file', match: `b/${i}` })) },
    ],
    [
      'delegated sources',
      { purpose: { delegatedSources: many(40, (i) => `a${i}`) } },
      { purpose: { delegatedSources: many(40, (i) => `b${i}`) } },
    ],
    ['currencies', { budget: { cost: costs(0) } }, { budget: { cost: costs(8) } }],
  ];
  it.each(want)('an escalation that adds %s to those of its lease', (_what, has, asks) => {
    const { log, runId } = opened(has);
    expect(readBack(log, 'escalate', { runId, want: asks })).toBe('GRANT_EXCEEDS_MAXIMUM');
  });

  it('a root lease with two windows of one length', () => {
    const log = new TestLog();
    const windows = [
      { per: '1h', cost: costs(0) },
      { per: '60m', cost: costs(8) },
    ];
    const grant = { ...ROOMY, budget: { ...ROOMY.budget, windows } };
    const fields = { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant };
    expect(readBack(log, 'openRun', fields)).toBe('GRANT_EXCEEDS_MAXIMUM');
  });

  const below: [string, GrantRequest['budget'], GrantRequest['budget']][] = [
    ['caps per action', { perAction: { cost: costs(0) } }, { perAction: { cost: costs(8) } }],
    ['caps per window', { windows: [{ per: '1h', cost: costs(0) }] }, { windows: [{ per: '60m', cost: costs(8) }] }],
  ];
  it.each(below)('a child whose %s are added to those of its parent', (_what, has, asks) => {
    const log = new TestLog();
    const grant = { ...ROOMY, budget: { ...ROOMY.budget, ...has } };
    const events = log.do('openRun', { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant });
    const { grantId } = only(events, 'GrantIssued');
    const fields = { grantId: grantId as string, agent: { class: 'helper' }, purposeRef: REF, grant: { budget: asks } };
    expect(readBack(log, 'delegate', fields)).toBe('GRANT_EXCEEDS_MAXIMUM');
  });
});

/** Plays drafts as an owner does: parses each command, ticks first, and folds the events as read back. */
class Maximal {
  readonly log = new TestLog(judgeTrajectory);
  readonly unread: string[] = [];

  constructor(private readonly tally: Tally) {}

  play(drafts: readonly Draft[]): void {
    openTestRun(this.log, { ...ROOMY, risk: { ceiling: 'high', approvalFrom: 'irreversible' } });
    for (const draft of drafts) {
      this.log.now += draft.wait;
      this.log.tickAll();
      const parsed = readCommand(JSON.parse(JSON.stringify(this.command(draft))));
      if (!parsed.success) {
        this.tally.add(`${draft.type}: no command`);
        continue;
      }
      const result = this.log.submit(parsed.data);
      if ('refusal' in result) {
        this.tally.add(result.refusal.code);
        if (result.refusal.code === 'EVENT_NOT_READABLE') this.unread.push(`${draft.type}: ${result.refusal.detail}`);
      } else this.tally.add(`decided ${draft.type}`);
    }
  }

  /** Makes a call whose outcome is reported late, with every part at its maximum. */
  late(): void {
    const { grantId } = openTestRun(this.log);
    const { actionId } = act(this.log, grantId, 'repo.read');
    this.log.now += LIMITS.outcomeMs + LIMITS.permitMs;
    this.log.tickAll();
    const labels = many(LIMITS.labelsPerAction, (i) => `label${i}`);
    this.log.do('settle', { actionId: actionId as string, outcome: { status: 'failed', labels, cost: costs(0) } });
  }

  /** Appends an unreadable event and sends the command with which an operator sets it aside. */
  repair(): void {
    const { state } = this.log;
    const position = state.next;
    const body = '{"type":"Unheard"}';
    evolveStored(state, { position, body });
    const actor: Actor = { kind: 'person', id: 'p'.repeat(LIMITS.nameLength) };
    this.log.do('setAsideEvent', { position, bodyDigest: bodyDigest(body), actor });
    this.tally.add('decided setAsideEvent');
  }

  private command({ type, fields, n, as }: Draft): Command {
    const [member, kind] = NAMES[type] ?? [];
    const id = kind === undefined ? undefined : this.id(kind, n);
    const run = kind === 'grant' ? this.log.state.grants.get(id ?? '')?.runId : id;
    const approvalId = type === 'authorize' ? this.approved() : undefined;
    const actor: Actor =
      as === 'run' && run !== undefined
        ? { kind: 'run', id: run }
        : { kind: as === 'person' ? 'person' : 'service', id: 'p'.repeat(LIMITS.nameLength) };
    return this.log.command(type, {
      ...fields,
      ...(member === undefined ? {} : { [member]: id }),
      ...(approvalId === undefined || n % 3 > 0 ? {} : { approvalId }),
      actor,
    });
  }

  /** Picks an existing id, mostly the newest, or an invented one if there is none. */
  private id(kind: IdKind, n: number): string {
    const { grants, runs, actions, approvals, rules } = this.log.state;
    const all: Partial<Record<IdKind, string[]>> = {
      grant: [...grants.keys()],
      run: [...runs.keys()],
      action: [...actions.keys()],
      approval: [...approvals.values()].filter(({ status }) => status === 'pending').map(({ id }) => id),
      revocation: n % 2 === 0 ? rules.list.map(({ revocationId }) => revocationId) : [],
    };
    const known = all[kind] ?? [];
    return known[Math.max(0, known.length - 1 - (n % 4))] ?? inventedId(kind, n);
  }

  private approved(): string | undefined {
    return [...this.log.state.approvals.values()].find(({ status }) => status === 'approved')?.id;
  }
}

describe('issue 13.0: every event of any valid command can be read back', () => {
  it('for every command with parts at their maxima: each event is read back, or a specific rule refuses the command', () => {
    const tally = new Tally();
    const property = fc.property(drafts(50), (all) => {
      const maximal = new Maximal(tally);
      brokered(maximal.log);
      maximal.late();
      maximal.play(all);
      maximal.repair();
      for (const event of maximal.log.events) {
        tally.add(event.type);
        if (event.type === 'Refused') tally.add(event.data.code);
        expect(parseEvent(JSON.stringify(event))).toEqual(event);
      }
      expect(maximal.unread).toEqual([]);
    });
    fc.assert(property, { numRuns: 120 });
    for (const event of fireResponder(new TestLog())) {
      tally.add(event.type);
      expect(parseEvent(JSON.stringify(event))).toEqual(event);
    }
    const several = new TestLog();
    for (const event of answers(several, openTestRun(several, CAREFUL).grantId)) {
      tally.add(event.type);
      expect(parseEvent(JSON.stringify(event))).toEqual(event);
    }
    const types = Object.keys(EVENT_DATA).filter((type) => type !== 'HistoryImported'); // written by imports, not by commands
    tally.atLeast(1, ...COMMANDS.map((schema) => `decided ${schema.shape.type.value}`), ...types);
    tally.atLeast(10, 'TOO_LARGE', 'GRANT_EXCEEDS_MAXIMUM');
  }, 120_000);

  it('the rules add at most as many labels to a verb as an event has room for after those of the caller', () => {
    const attributes = { sensitivity: 'secret', trust: 'untrusted', origin: 'external' };
    const patterns = DEFAULT_CATALOG.entries.flatMap(({ match = [] }) => match);
    const most = [...patterns.map((each) => each.replaceAll('*', 'x')), 'unknown.verb'].flatMap((verb) =>
      EFFECTS.map((effect) => {
        const resource = { type: 'file', id: '.env', attributes };
        return classify({ verb, effect, risk: undefined, labels: [], resource }, DEFAULT_CATALOG).labels.size;
      }),
    );
    expect(Math.max(...most)).toBeLessThanOrEqual(LIMITS.labelsAdded);
  });
});
