import fc from 'fast-check';
import { Audit, type Report } from '@bailiwick/audit/audit';
import type { Check } from '@bailiwick/audit/finding';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { act, delegateTestRun, NO_ARGS, openTestRun, ROOMY, TestLog } from '@bailiwick/authority/testing/harness';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { statedVersion } from '@bailiwick/contracts/events/upcast';
import { rfc3339 } from '@bailiwick/core/clock';
import { deriveId } from '@bailiwick/core/derive-id';
import { moves, reserving } from './moves';
import { Tally } from './naive';
import { Play } from './play';

fc.configureGlobal({ seed: 20260402 });

function audit(events: readonly Event[]): Report {
  const auditor = new Audit({ log: 'default/0', keys: [], heads: [] });
  for (const event of events)
    auditor.add({
      log: event.log,
      position: event.position,
      type: event.type,
      time: event.time,
      body: JSON.stringify(event),
    });
  return auditor.report();
}

it('the auditor reports no finding for a log written under the rules, whatever clients try', () => {
  const tally = new Tally();
  const property = fc.property(fc.oneof(moves(), reserving), (all) => {
    const { log } = new Play().play(all);
    const report = audit(log.events);
    expect(report.findings).toEqual([]);
    expect(report.state).toBe(stateDigest(log.state));
    for (const event of log.events) {
      tally.add(event.type);
      if (event.type === 'GrantIssued' && event.data.limits.budget.windows.length > 0) tally.add('window');
      if (event.type === 'GrantIssued' && event.data.limits.budget.reserve) tally.add('set aside');
    }
  });
  fc.assert(property, { numRuns: 60 });
  tally.atLeast(
    5,
    'ActionPermitted',
    'GrantSuperseded',
    'GrantExhausted',
    'RevocationRuleAdded',
    'ApprovalGiven',
    'GrantRenewed',
    'GrantNarrowed',
    'window',
    'set aside',
  );
}, 60_000);

/** A dishonest writer: each log breaks one rule, with correct hashes and signatures. */
describe('the auditor detects a log forged by its own writer that', () => {
  const log = new TestLog();
  const root = openTestRun(log, {
    ...ROOMY,
    budget: { calls: 3, reads: 3, writes: 3, external: 3, cost: { USD: 50 } },
  });
  const child = delegateTestRun(log, root.grantId, { budget: { calls: 2 } });
  const permit = act(log, child.grantId, 'file.read', { cost: { USD: 10 } }) as EventOf<'ActionPermitted'>;
  const settled = log.do('settle', {
    actionId: permit.actionId as string,
    outcome: { status: 'completed' },
  })[0] as Event;
  log.do('authorize', {
    grantId: root.grantId,
    action: { verb: 'thing.delete', argsDigest: NO_ARGS },
    resource: { type: 'thing', id: 't' },
    proof: { vouched: true },
  });
  const asked = log.events.find((event) => event.type === 'ApprovalRequested') as EventOf<'ApprovalRequested'>;
  const honest = [...log.events];
  const issued = honest.find((event) => event.grantId === child.grantId) as EventOf<'GrantIssued'>;

  let forgeries = 0;
  const another = (event: Event, more: object = {}, data: object = {}): Event =>
    ({
      ...event,
      actionId: deriveId('action', 0, `forged ${++forgeries}`),
      ...more,
      data: { ...event.data, ...data },
    }) as Event;
  const ended = (type: 'GrantRevoked' | 'GrantSuspended', grantId: string, runId: string): Event =>
    ({
      ...issued,
      type,
      grantId,
      runId,
      data:
        type === 'GrantRevoked'
          ? { revocationId: deriveId('revocation', 0, 'forged'), subtree: true, reason: { code: 'X' } }
          : { reason: { code: 'X' } },
    }) as Event;
  const insteadOf = (old: Event, fresh: Event): Event[] => honest.map((event) => (event === old ? fresh : event));
  const wider = { ...issued.data.limits, budget: { ...issued.data.limits.budget, calls: 4 } };
  const TIME = issued.data.limits.time;
  const ending = { ...issued.data.limits, time: { ...TIME, endsOn: [{ actions: ['file.read'] }] } };
  const change = (type: 'GrantNarrowed' | 'GrantRenewed', data: object): Event =>
    ({ ...issued, type, data }) as unknown as Event;
  const quarantine = {
    ...issued,
    type: 'RevocationRuleAdded',
    grantId: undefined,
    runId: undefined,
    data: {
      revocationId: deriveId('revocation', 0, 'q'),
      selector: { agentClass: 'helper' },
      quarantine: true,
      reason: { code: 'X' },
    },
  } as unknown as Event;
  const given = {
    ...asked,
    type: 'ApprovalGiven',
    data: { approvalId: asked.data.approvalId, verdict: 'approve', by: 'person:ann' },
  } as unknown as Event;
  const byRun = { ...given, actor: { kind: 'run', id: root.runId } };

  it.each<[string, Check, Event[]]>([
    [
      'issues a child that is wider than its parent',
      'attenuation',
      insteadOf(issued, { ...issued, data: { ...issued.data, limits: wider } }),
    ],
    [
      'permits what a grant does not admit',
      'attenuation',
      insteadOf(permit, another(permit, { actionId: permit.actionId }, { risk: 'irreversible' })),
    ],
    [
      'permits under a revoked grant',
      'liveness',
      [...honest, ended('GrantRevoked', child.grantId, child.runId), another(permit)],
    ],
    [
      'permits under a revoked ancestor',
      'liveness',
      [...honest, ended('GrantRevoked', root.grantId, root.runId), another(permit)],
    ],
    [
      'permits under a suspended ancestor',
      'liveness',
      [...honest, ended('GrantSuspended', root.grantId, root.runId), another(permit)],
    ],
    [
      'permits after the grant has expired',
      'liveness',
      [...honest, another(permit, { time: rfc3339(Date.parse(permit.time) + 2 * 3_600_000) })],
    ],
    ['permits under a grant that a rule has revoked', 'liveness', [...honest, quarantine, another(permit)]],
    ['permits one call too many', 'budget', [...honest, another(permit), another(permit)]],
    [
      'spends more than its budget',
      'budget',
      [...honest, another(permit, {}, { charge: { ...permit.data.charge, cost: { USD: 41 } } })],
    ],
    ['keeps an exhausted lease active', 'budget', [...honest, another(permit)]],
    [
      'issues under a quarantine',
      'revocation',
      honest.flatMap((event) => (event === issued ? [quarantine, event] : [event])),
    ],
    ['records a second outcome', 'custody', [...honest, settled]],
    ['records an outcome of an action that was not permitted', 'custody', [...honest, another(settled)]],
    ['permits for a run that does not hold the grant', 'custody', [...honest, another(permit, { runId: root.runId })]],
    ['permits under a grant that was never issued', 'custody', honest.filter((event) => event !== issued)],
    [
      'uses an approval that was never given',
      'approval',
      [...honest, another(permit, {}, { approvalId: asked.data.approvalId })],
    ],
    [
      'uses an approval for another call',
      'approval',
      [...honest, given, another(permit, {}, { approvalId: asked.data.approvalId })],
    ],
    ['lets a run approve', 'approval', [...honest, byRun as Event]],
    [
      'permits a call that needs approval',
      'approval',
      insteadOf(permit, another(permit, { actionId: permit.actionId }, { drift: 'unavailable', effect: 'write' })),
    ],
    [
      'widens a lease with a narrowing',
      'attenuation',
      [...honest, change('GrantNarrowed', { limits: wider, reason: { code: 'X' } })],
    ],
    [
      'renews a lease that cannot be renewed',
      'attenuation',
      [...honest, change('GrantRenewed', { from: TIME.expiresAt, until: rfc3339(Date.parse(TIME.expiresAt) + 1) })],
    ],
    [
      'keeps a lease after the action that ends it',
      'liveness',
      insteadOf(permit, another(permit, { actionId: permit.actionId })).map((event) =>
        event === issued ? { ...issued, data: { ...issued.data, limits: ending } } : event,
      ),
    ],
    ['writes an event of another tenant', 'tenant', [...honest, another(permit, { tenant: 'other' })]],
    [
      'delegates to a run of another principal',
      'custody',
      honest.map((event) =>
        event.type === 'RunOpened' && event.runId === child.runId
          ? { ...event, data: { ...event.data, principalRef: 'ref_11111111111111111111111111' } }
          : event,
      ),
    ],
  ])('%s (%s)', (_what, check, forged) => {
    const sealed = forged.map((event, position) => ({ ...event, position, v: statedVersion(event.type) }));
    expect(audit(honest).findings).toEqual([]);
    const { findings } = audit(sealed);
    expect(findings.map((each) => each.check)).toContain(check);
    // the first position that differs is the first wrong one, or the one after it
    const at = sealed.findIndex((event, i) => JSON.stringify(event) !== JSON.stringify(honest[i]));
    expect(findings[0]?.position).toBeGreaterThanOrEqual(at);
  });
});

describe('the auditor detects, in budgets, a log forged by its own writer that', () => {
  const log = new TestLog();
  const counts = { calls: 20, reads: 20, writes: 20, external: 20, cost: { USD: 50 } };
  const top = openTestRun(log, {
    ...ROOMY,
    budget: {
      ...counts,
      units: { tokens: 100 },
      perVerb: [{ actions: ['file.write'], calls: 2 }],
      windows: [{ per: 'day', timezone: 'Europe/Berlin', calls: 4 }],
      askAt: 0.8,
    },
  });
  const below = delegateTestRun(log, top.grantId, {
    budget: { calls: 8, reads: 8, writes: 8, external: 8, cost: { USD: 50 }, units: { tokens: 10 }, reserve: true },
  });
  const permit = act(log, top.grantId, 'file.write', { units: { tokens: 20 } }) as EventOf<'ActionPermitted'>;
  const issued = log.events.find((event) => event.grantId === below.grantId) as EventOf<'GrantIssued'>;
  const honest = [...log.events];
  let forgeries = 0;
  const again = (data: object): Event => ({
    ...permit,
    actionId: deriveId('action', 0, `forged budget ${++forgeries}`),
    data: { ...permit.data, periods: undefined, ...data },
  });
  const { charge } = permit.data;
  const [day] = permit.data.periods ?? [];
  const read = { verb: 'file.read', charge: { ...charge, units: undefined } };
  const limits = { ...issued.data.limits, budget: { ...issued.data.limits.budget, calls: 20 } };

  it.each<[string, Check, Event[]]>([
    [
      'uses a unit that the lease does not name',
      'budget',
      [again({ ...read, charge: { ...charge, units: { seats: 1 } } })],
    ],
    ['uses too many units', 'budget', [again({ ...read, charge: { ...charge, units: { tokens: 81 } } })]],
    [
      'exceeds the cap of a verb',
      'budget',
      [again({ charge: { ...charge, units: undefined } }), again({ charge: { ...charge, units: undefined } })],
    ],
    ['exceeds the cap of a day', 'budget', [again(read), again(read), again(read), again(read)]],
    [
      'starts a day early to count from nothing',
      'budget',
      [again({ ...read, periods: [{ ...day, end: rfc3339(Date.parse(permit.time) + 1_000) }] })],
    ],
    ['asks no person beyond the share', 'approval', [again({ ...read, charge: { ...charge, units: { tokens: 65 } } })]],
    ['spends what is set aside for a child', 'budget', [again({ ...read, charge: { ...charge, cost: { USD: 1 } } })]],
    [
      'sets aside more than is left',
      'budget',
      [{ ...issued, grantId: deriveId('grant', 0, 'forged'), data: { ...issued.data, limits } }],
    ],
  ])('%s (%s)', (what, check, forged) => {
    const first = what.startsWith('starts a day');
    const events = first ? honest.filter((event) => event !== permit) : honest;
    const sealed = JSON.parse(
      JSON.stringify(
        [...events, ...forged].map((event, i) => ({ ...event, position: i, v: statedVersion(event.type) })),
      ),
    ) as Event[];
    expect(audit(honest).findings).toEqual([]);
    expect(audit(sealed).findings.map((each) => each.check)).toContain(check);
  });
});
