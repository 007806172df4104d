import type { Command, CommandOf } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { RefusalReports } from './refusal-reports';

const caller = (tenant: string, role: 'enforcer' | 'analyst' = 'enforcer'): Caller => ({
  kind: 'key',
  tenant,
  roles: [role],
  actor: { kind: 'service', id: `key:${role}`, role },
});

describe('RefusalReports', () => {
  let sent: CommandOf<'recordRefusal'>[];
  let now: number;
  let reports: RefusalReports;
  beforeEach(() => {
    sent = [];
    now = 1_000_000;
    const submit = (command: Command): void => void sent.push(command as CommandOf<'recordRefusal'>);
    reports = new RefusalReports(submit, () => now);
  });
  afterEach(() => reports.flush());
  const flood = (who: Caller, times: number): void => {
    for (let i = 0; i < times; i++) reports.report(who, 'GET /v1/events', 'an enforcer may not');
  };

  it('sends the refusals within the budget of a key one by one, and the rest as one count', () => {
    flood(caller('one'), 10_000);
    expect(sent).toHaveLength(LIMITS.refusals.run.burst);
    reports.flush();
    expect(sent.at(-1)).toMatchObject({ count: 10_000 - LIMITS.refusals.run.burst, log: 'one/0' });
    reports.flush();
    expect(sent).toHaveLength(LIMITS.refusals.run.burst + 1);
  });

  it('does not use the budget of another key or tenant', () => {
    flood(caller('one'), 1_000);
    sent = [];
    flood(caller('two'), 3);
    flood(caller('one', 'analyst'), 3);
    expect(sent.map(({ log, actor }) => `${log} ${actor.id}`)).toEqual([
      ...Array<string>(3).fill('two/0 key:enforcer'),
      ...Array<string>(3).fill('one/0 key:analyst'),
    ]);
  });

  it('sends refusals one by one again after a pause', () => {
    flood(caller('one'), 1_000);
    reports.flush();
    sent = [];
    now += LIMITS.refusals.run.burst * LIMITS.refusals.run.everyMs;
    flood(caller('one'), 5);
    expect(sent.map(({ count }) => count)).toEqual(Array(5).fill(undefined));
  });

  it('remembers a bounded number of callers, and reports the counts of those it forgets', () => {
    for (let i = 0; i < 10_001; i++) flood(caller(`t${i}`), i === 0 ? 100 : 1);
    expect(sent.filter(({ count }) => count !== undefined)).toMatchObject([{ log: 't0/0', count: 40 }]);
  });
});
