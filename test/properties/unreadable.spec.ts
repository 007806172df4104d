import fc from 'fast-check';
import { decide } from '@bailiwick/authority/commands/decide';
import { evolve } from '@bailiwick/authority/events/evolve';
import { seal } from '@bailiwick/authority/commands/seal';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { answers, CAREFUL } from '@bailiwick/authority/testing/approvers';
import { brokered, misfit, openTestRun, ROOMY, TestLog } from '@bailiwick/authority/testing/harness';
import { meaning, shadow } from '@bailiwick/authority/testing/policies';
import { fireResponder } from '@bailiwick/authority/testing/responders';
import { commandSchema } from '@bailiwick/contracts/commands/command';
import { envelope, EVENT_DATA, parseEvent, type Event } from '@bailiwick/contracts/events/event';
import { moves, PERSON, REFS } from './moves';
import { Tally } from './naive';
import { asked, Play } from './play';

/**
 * Fails if a compiled schema accepts a body that the plain one refuses, or reads another value; if it accepts an
 * unpaired surrogate; if limits accept unknown members.
 */
fc.configureGlobal({ seed: 20260114 });

const FILE = { type: 'file', id: 'a/b' };

const stories = fc.oneof(
  moves(60),
  moves(60, ['strike', 'lift', 'act', 'escalate']),
  moves(40, ['open', 'set budget', 'remove budget', 'deploy policy', 'act']),
);
const written = fc.sample(stories, { numRuns: 120, seed: 1 }).flatMap((all) => {
  const { log } = new Play().play(all);
  log.do('erase', { subjectRef: REFS[0] as string, found: { before: 0, runs: 1, payloads: 1 }, actor: PERSON });
  log.do('recordKey', { keyId: `key_${'0'.repeat(26)}`, change: 'issued', name: 'laptop', actor: PERSON });
  const approved = {
    server: 'files',
    digest: `sha256:${'0'.repeat(64)}`,
    identity: `sha256:${'1'.repeat(64)}`,
    tools: 14,
  };
  log.do('recordMcpApproval', { ...approved, actor: PERSON });
  log.do('recordMcpServer', { server: 'files', change: 'registered', identity: approved.identity, actor: PERSON });
  log.do('recordWebhook', { webhook: 'siem', change: 'registered', host: 'siem.example.com', actor: PERSON });
  log.do('recordSession', { change: 'started', with: 'link', actor: PERSON });
  log.do('recordSignal', {
    transmitter: 'idp',
    set: `set:${'0'.repeat(32)}`,
    types: ['https://example.com/event'],
    outcome: 'ignored',
    actor: { kind: 'service', id: 'signals:idp' },
  });
  const revocationId = `rev_0_${'2'.repeat(26)}`;
  log.do('revokeSelector', {
    revocationId,
    selector: { agentClass: 'x' },
    mode: 'suspend',
    force: true,
    actor: PERSON,
  });
  log.do('liftSuspension', { revocationId, actor: PERSON });
  const asked = [...log.state.approvals.values()].find(({ kind }) => kind === 'action');
  if (asked) log.do('requestAccess', { approvalId: asked.id, actor: PERSON });
  const imported = { origin: 'elsewhere', vkey: 'elsewhere+0', size: log.state.next, root: '', live: true };
  const last = log.events[log.events.length - 1] as Event;
  log.append({
    ...last,
    position: log.state.next,
    id: `${last.id}x`,
    type: 'HistoryImported',
    data: imported,
  });
  log.do('recordRefusal', { command: 'GET /v1/events', detail: 'an enforcer may not', count: 3 });
  const other = new TestLog();
  brokered(other);
  shadow(other, meaning('x.y', 'read'), 3_600_000);
  answers(other, openTestRun(other, CAREFUL).grantId);
  const third = new TestLog();
  fireResponder(third);
  return [...log.events, ...other.events, ...misfit(other), ...third.events];
});
const eachType = (Object.keys(EVENT_DATA) as Event['type'][]).map((type) =>
  written.filter((event) => event.type === type),
);

type Json = { [key: string]: Json };

/** Parses a body with the uncompiled schemas, one after the other; returns undefined if they refuse it. */
function plainly(body: unknown): unknown {
  const outer = envelope.safeParse(body);
  const data = outer.success ? EVENT_DATA[outer.data.type].safeParse(outer.data.data) : undefined;
  return data?.success ? { ...outer.data, data: data.data } : undefined;
}

describe('I11: reading stored bodies', () => {
  const event = fc
    .constantFrom(...eachType.filter((events) => events.length > 0))
    .chain((events) => fc.constantFrom(...events));
  const copy = (of: Event) => JSON.parse(JSON.stringify(of)) as { data: Json };

  it('reads every type of event that is written', () => {
    const missing = (Object.keys(EVENT_DATA) as Event['type'][]).filter(
      (type) => !written.some((each) => each.type === type),
    );
    expect(missing).toEqual([]);
    for (const each of written) expect(parseEvent(JSON.stringify(each))).toEqual(each);
  });

  it('refuses an unknown type or an unknown member of the envelope', () => {
    const property = fc.property(event, fc.string({ minLength: 1 }), (each, name) => {
      fc.pre(!(name in EVENT_DATA) && !(name in each) && name !== '__proto__');
      expect(() => parseEvent(JSON.stringify({ ...each, type: name }))).toThrow();
      expect(() => parseEvent(JSON.stringify({ ...each, [name]: 1 }))).toThrow();
    });
    fc.assert(property, { numRuns: 150 });
  });

  it('refuses an unknown member of limits, counters and selectors', () => {
    const tally = new Tally();
    const places = [
      '',
      'limits',
      'limits.budget',
      'limits.actions',
      'limits.time',
      'limits.risk',
      'limits.delegation',
      'charge',
      'remaining',
      'selector',
      'resource',
      'agent',
    ];
    const property = fc.property(event, fc.constantFrom(...places), (each, place) => {
      const body = copy(each);
      const path = place.split('.').filter((key) => key !== '');
      const into = path.reduce<Json | undefined>((value, key) => value?.[key], body.data);
      fc.pre(into !== undefined);
      Object.assign(into as object, { unheardOf: true });
      expect(() => parseEvent(JSON.stringify(body))).toThrow();
      tally.add(place);
    });
    fc.assert(property, { numRuns: 600 });
    tally.atLeast(3, ...places);
  });

  it('refuses a missing or mistyped member, or reads it the same way for every reader', () => {
    const tally = new Tally();
    const wrong = fc.constantFrom<unknown[]>(undefined, null, -1, 0.5, 2 ** 53, 'x', '', true, [], {}, [[]], {
      toString: 1,
    });
    const property = fc.property(
      event,
      fc.array(fc.nat(9), { minLength: 1, maxLength: 5 }),
      wrong,
      (each, path, value) => {
        const body = copy(each);
        let into = body.data;
        for (const n of path.slice(1)) {
          const keys = Object.keys(into).filter((key) => typeof into[key] === 'object' && into[key] !== null);
          if (keys.length > 0) into = into[keys[n % keys.length] as string] as Json;
        }
        const keys = Object.keys(into);
        fc.pre(keys.length > 0);
        const key = keys[(path[0] as number) % keys.length] as string;
        if (value === undefined) delete into[key];
        else Object.assign(into, { [key]: value });
        try {
          // a second read gives the same value: reading coerces nothing
          const read = parseEvent(JSON.stringify(body));
          expect(parseEvent(JSON.stringify(read))).toEqual(read);
          expect(read).toEqual(plainly(JSON.parse(JSON.stringify(body))));
          expect(JSON.stringify(read)).not.toMatch(/NaN|Infinity/);
          tally.add('read');
        } catch (error) {
          expect((error as Error).name).toBe('ZodError');
          expect(plainly(JSON.parse(JSON.stringify(body)))).toBeUndefined();
          tally.add('refused');
        }
      },
    );
    fc.assert(property, { numRuns: 400 });
    tally.atLeast(20, 'read', 'refused');
  });

  it('refuses invalid and truncated JSON', () => {
    fc.assert(
      fc.property(event, fc.nat(5_000), (each, at) => {
        const body = JSON.stringify(each);
        expect(() => parseEvent(body.slice(0, at % body.length))).toThrow();
      }),
      { numRuns: 50 },
    );
  });
});

describe('I11: no well-formed command makes the decision throw', () => {
  it('whatever texts and ids it contains; it is refused with a reason', () => {
    const tally = new Tally();
    const odd = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
      fc.constantFrom('\ud800', 'x\udfff', 'constructor', '__proto__', 'toString', 'hasOwnProperty'),
    );
    const property = fc.property(odd, odd, odd, fc.nat(4), (a, b, c, n) => {
      const log = new TestLog();
      const { grantId } = openTestRun(log, ROOMY);
      const refs = { principalRef: `ref_${'0'.repeat(26)}`, purposeRef: `ref_${'0'.repeat(26)}` };
      const value = { salt: 'A'.repeat(22), value: { [a]: b } };
      const all: [Parameters<TestLog['command']>[0], object][] = [
        [
          'authorize',
          {
            ...asked(grantId, {
              verb: 'thing.delete',
              tool: a,
              resource: { type: b, id: 'a', attributes: { [c]: a } },
            }),
          },
        ],
        ['authorize', { ...asked(grantId, { verb: 'file.read', resource: FILE, labels: ['a:b'] }), payload: value }],
        [
          'openRun',
          {
            agent: { class: a, instance: b },
            ...refs,
            grant: { resources: [{ type: c, match: '**', where: { [a]: { eq: b } } }], posture: { model: [b] } },
            requireApproval: true,
          },
        ],
        [
          'delegate',
          {
            grantId,
            agent: { class: a, posture: { model: b } },
            purposeRef: refs.purposeRef,
            grant: { delegation: { depth: 0, children: 0, classes: [c] } },
          },
        ],
        ['suspend', { grantId, reasonCode: a, payload: value }],
      ];
      const [type, fields] = all[n] as (typeof all)[number];
      const parsed = commandSchema.safeParse(log.command(type, fields));
      if (!parsed.success) return tally.add('no command');
      const decided = decide(log.state, parsed.data, log.now, log.rules);
      if (!decided.ok) {
        expect(decided.error.detail).not.toBe('');
        return tally.add('refused');
      }
      for (const fresh of decided.value) {
        const { event, body } = seal(log.state, parsed.data, log.now, fresh);
        expect(parseEvent(body)).toEqual(event);
        evolve(log.state, event);
      }
      expect(() => stateDigest(log.state)).not.toThrow();
      tally.add('decided');
    });
    fc.assert(property, { numRuns: 600 });
    tally.atLeast(20, 'no command', 'refused', 'decided');
  });
});
