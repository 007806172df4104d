import fc from 'fast-check';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { evolve } from '../events/evolve';
import { CorruptLog } from '../events/follows';
import { cut } from '../state/policies';
import { stateDigest } from '../state/digest';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import { emptyState } from '../state/state';
import { act, only, openTestRun, TestLog } from '../testing/harness';
import { deploy, deployment, meaning, tryDeploy } from '../testing/policies';

const nounOf = (i: number): string => `q${String.fromCharCode(97 + (i % 26), 97 + Math.floor(i / 26))}`;
const LARGE: PolicyBundle = {
  catalog: Array.from({ length: 500 }, (_, i) => ({
    match: [`${nounOf(i)}.fetch`],
    effects: ['read' as const],
    risk: 'low' as const,
    words: `fetch the "item" ${i} 😀 é`,
  })),
};

describe('deployPolicy', () => {
  it('changes what the next action counts as, and each decision names its version', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const before = act(log, grantId, 'parcel.track');
    deploy(log, meaning('parcel.track', 'read'));
    const after = act(log, grantId, 'parcel.track');
    deploy(log, meaning('parcel.track', 'external'));
    const last = act(log, grantId, 'parcel.track');
    expect([before, after, last].map(({ data }) => [data.policy, data.effect])).toEqual([
      [undefined, 'write'],
      [1, 'read'],
      [2, 'external'],
    ]);
  });

  it('names the version in a denial, in a step-up and in a denial under an ended lease', () => {
    const log = new TestLog();
    deploy(log, { catalog: [{ match: ['parcel.ship'], effects: ['external'], risk: 'medium' }] });
    const { grantId } = openTestRun(log, {
      actions: { allow: ['parcel.*'] },
      resources: [{ type: 'file', match: '**' }],
      budget: { calls: 9, reads: 9, writes: 9, external: 9 },
      risk: { ceiling: 'medium', approvalFrom: 'medium' },
    });
    const decisions = [act(log, grantId, 'parcel.ship'), act(log, grantId, 'mail.send')];
    log.do('revokeGrant', { grantId });
    decisions.push(act(log, grantId, 'parcel.ship'));
    expect(decisions.map(({ type, data }) => [type, data.policy])).toEqual([
      ['ActionStepUp', 1],
      ['ActionDenied', 1],
      ['ActionDenied', 1],
    ]);
  });

  it('refuses a deployment that replaces another version, and names the current one', () => {
    const log = new TestLog();
    deploy(log, meaning('parcel.track', 'read'));
    for (const replaces of [0, 2]) {
      const refused = tryDeploy(log, meaning('parcel.track', 'write'), replaces);
      expect(refused).toMatchObject({ refusal: { code: 'CONFLICT', extra: { current: 1 } } });
    }
    expect(log.state.policies.version).toBe(1);
  });

  it('refuses a run as the actor with an event', () => {
    const log = new TestLog();
    const { runId } = openTestRun(log);
    const actor = { kind: 'run' as const, id: runId };
    const events = log.do('deployPolicy', { ...deployment(meaning('parcel.track', 'read'), 0), actor });
    expect(only(events, 'Refused').data.code).toBe('FORBIDDEN');
    expect(log.state.policies.version).toBe(0);
  });

  it('refuses a text with another digest, another form, another shape or a fault of its catalog', () => {
    const log = new TestLog();
    const good = deployment(meaning('parcel.track', 'read'), 0);
    const textOf = (text: string): typeof good => ({ ...deployment({}, 0), bundle: text });
    const refusals = [
      { ...good, digest: `sha256:${'0'.repeat(64)}` },
      { ...good, ...restated(good.bundle.replace('{', '{ ')) },
      { ...good, ...restated('{"catalogue":[]}') },
      { ...good, ...restated('no') },
      deployment({ catalog: [...meaning('a.b', 'read').catalog!, ...meaning('a.b', 'write').catalog!] }, 0),
      textOf('{}'.padEnd(3)),
    ].map((fields) => log.try('deployPolicy', fields));
    for (const refused of refusals) expect(refused).toMatchObject({ refusal: { code: 'BAD_REQUEST' } });
    expect(log.events).toEqual([]);
  });

  it('stores a large bundle as parts that are events, all of them before its deployment in one append', () => {
    const log = new TestLog();
    const events = deploy(log, LARGE);
    const parts = events.slice(0, -1).map((event) => event as EventOf<'PolicyPart'>);
    expect(parts.length).toBeGreaterThan(4);
    expect(parts.map(({ data }) => data.text).join('')).toBe(deployment(LARGE, 0).bundle);
    expect(only(events, 'PolicyDeployed').data).toMatchObject({ version: 1, parts: parts.length, replaces: 0 });
    expect(log.state.policies).toMatchObject({ pending: undefined, current: { position: log.state.next - 1 } });
  });

  it('folds to the same state from every position of a snapshot, also between the parts of a bundle (I10)', () => {
    const log = new TestLog();
    deploy(log, meaning('parcel.track', 'read'));
    deploy(log, LARGE);
    for (let position = 0; position <= log.events.length; position++) {
      const before = refolded(log, log.events.slice(0, position));
      const restored = fromSnapshot(toSnapshot(before));
      expect(stateDigest(restored)).toBe(stateDigest(before));
      for (const event of log.events.slice(position)) evolve(restored, event);
      expect(stateDigest(restored)).toBe(stateDigest(log.state));
      expect(restored.policies.current?.catalog.lookup(`${nounOf(7)}.fetch`).facts.effects).toEqual(['read']);
    }
  });

  it.each<[string, (events: Event[]) => Event[]]>([
    ['a part is missing', ([first, , ...rest]) => [first as Event, ...rest]],
    ['the first part is missing', ([, ...rest]) => rest],
    ['two parts are exchanged', ([first, second, third, ...rest]) => [first, third, second, ...rest] as Event[]],
    ['a part has another text', ([first, ...rest]) => [withData(first, { text: 'x' }), ...rest]],
    ['a part has another digest', ([first, ...rest]) => [withData(first, { digest: digestOf('x') }), ...rest]],
    ['there are no parts', (events) => events.slice(-1)],
    ['the version is not the next one', (events) => withLast(events, { version: 2 })],
    ['another version is replaced', (events) => withLast(events, { replaces: 1 })],
    ['the digest is another', (events) => withLast(events, { digest: digestOf('x') })],
    ['the number of parts is another', (events) => withLast(events, { parts: 1 })],
  ])('refuses to fold a log in which %s (I11)', (_what, forge) => {
    const log = new TestLog();
    const events = forge(deploy(log, LARGE)).map((event, position) => ({ ...event, position }));
    expect(() => refolded(log, events)).toThrow(CorruptLog);
  });

  it('keeps the version in force when an operator sets aside a deployment that cannot be read', () => {
    const log = new TestLog();
    deploy(log, meaning('parcel.track', 'read'));
    const [part, deployed] = deploy(new TestLog(), meaning('parcel.track', 'write')) as [Event, Event];
    const moved = { ...part, position: log.state.next };
    log.store({ position: log.state.next, body: JSON.stringify(moved) });
    const position = log.state.next;
    log.store({ position, body: JSON.stringify({ ...deployed, position }) }); // version 1 again
    expect(tryDeploy(log, {}, 1)).toMatchObject({ refusal: { code: 'LOG_IN_DOUBT' } });
    const { bodyDigest } = log.state.unreadable.get(position)!;
    log.do('setAsideEvent', { position, bodyDigest, actor: { kind: 'person', id: 'person:ann' } });
    deploy(log, meaning('parcel.track', 'external'));
    expect(log.state.policies).toMatchObject({ version: 2 });
  });

  it('leaves other tenants as they are (I9)', () => {
    const [ours, theirs] = [new TestLog(), new TestLog(undefined, { log: 'other/0', tenant: 'other', n: 0 })];
    deploy(ours, meaning('parcel.track', 'read'));
    const { grantId } = openTestRun(theirs);
    expect(act(theirs, grantId, 'parcel.track').data).toMatchObject({ effect: 'write' });
    expect(act(theirs, grantId, 'parcel.track').data.policy).toBeUndefined();
    expect(() => evolve(theirs.state, { ...(ours.events[0] as Event), position: theirs.state.next })).toThrow(
      CorruptLog,
    );
  });
});

describe('cut', () => {
  it('returns parts that are the text together, whose JSON fits, and none of which ends within a surrogate pair', () => {
    const characters = fc.constantFrom('a', '"', '\\', 'é', '€', '😀', '\n');
    fc.assert(
      fc.property(
        fc.array(characters, { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 8, max: 40 }),
        (all, most) => {
          const text = all.join('');
          const parts = cut(text, most);
          expect(parts.join('')).toBe(text);
          for (const part of parts) {
            expect(part.length).toBeGreaterThan(0);
            expect(part.isWellFormed()).toBe(true);
            expect(Buffer.byteLength(JSON.stringify(part)) - 2).toBeLessThanOrEqual(most);
          }
        },
      ),
    );
  });

  it('needs no more parts than an event can state for the largest bundle', () => {
    expect(cut('"'.repeat(LIMITS.policy.bytes)).length).toBeLessThanOrEqual(LIMITS.policy.parts);
  });
});

function refolded(log: TestLog, events: readonly Event[]): TestLog['state'] {
  const state = emptyState(log.state.log, log.state.tenant, log.state.n);
  for (const event of events) evolve(state, event);
  return state;
}

const digestOf = (text: string): string => restated(text).digest;

function restated(bundle: string): { bundle: string; digest: string } {
  return { bundle, digest: `sha256:${sha256hex(bundle)}` };
}

const withData = (event: Event | undefined, data: object): Event =>
  ({ ...event, data: { ...(event as Event).data, ...data } }) as Event;
const withLast = (events: Event[], data: object): Event[] => [...events.slice(0, -1), withData(events.at(-1), data)];
