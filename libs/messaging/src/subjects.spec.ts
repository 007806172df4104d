import fc from 'fast-check';
import * as subjects from './subjects';

fc.configureGlobal({ seed: 20260123 });

describe('subjects', () => {
  it('are exactly these on the wire', () => {
    expect(subjects.commandSubject('default/0')).toBe('bailiwick.command.default.0');
    expect(subjects.querySubject('acme-eu/12')).toBe('bailiwick.query.acme-eu.12');
    expect(subjects.ledgerSubject('grant')).toBe('bailiwick.ledger.grant');
    expect(subjects.intentSubject('score')).toBe('bailiwick.intent.score');
    expect(subjects.adminSubject('tenants')).toBe('bailiwick.admin.tenants');
    expect(subjects.eventSubject('default/0')).toBe('bailiwick.event.default.0');
    expect(subjects.healthSubject('gateway')).toBe('bailiwick.health.gateway');
    expect(subjects.streamSubjects('default/0')('RunOpened')).toBe('bailiwick.events.default.0.RunOpened');
    expect(subjects.streamSubjects('default/0')('a.b')).toBe('bailiwick.events.default.0.unreadable');
    expect(subjects.streamOfTenant('default')).toBe('bailiwick.events.default.>');
  });

  it.each([
    'default',
    'default/',
    '/0',
    'a.b/0',
    '*/0',
    '>/0',
    'Default/0',
    '-a/0',
    'a b/0',
    'default/00',
    'default/x',
    'a/0/1',
    `${'a'.repeat(64)}/0`,
    'a/0\n',
  ])('refuse the log name %j (I9)', (log) => {
    for (const subject of [subjects.commandSubject, subjects.querySubject, subjects.eventSubject]) {
      expect(() => subject(log)).toThrow('not a log name');
    }
  });

  it('refuse any token with other than safe characters', () => {
    for (const op of ['', '*', '>', 'a.b', 'a b', 'A', '-a', 'a\r\nPUB x']) {
      for (const subject of [
        subjects.ledgerSubject,
        subjects.intentSubject,
        subjects.adminSubject,
        subjects.healthSubject,
      ]) {
        expect(() => subject(op)).toThrow(/^not a/);
      }
    }
  });

  it('differ for different names, and read back', () => {
    const tenant = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/);
    fc.assert(
      fc.property(tenant, fc.integer({ min: 0, max: 999_999 }), (name, n) => {
        const subject = subjects.eventSubject(`${name}/${n}`);
        expect(subject.split('.')).toHaveLength(4);
        expect(subjects.logOfEventSubject(subject)).toBe(`${name}/${n}`);
      }),
    );
  });

  it.each([
    'bailiwick.event.default.00',
    'bailiwick.event.default.0.GrantIssued',
    'bailiwick.event.default',
    'bailiwick.event.*.0',
    'bailiwick.command.default.0',
    'other.event.default.0',
  ])('do not contain a log in %s', (subject) => {
    expect(subjects.logOfEventSubject(subject)).toBeUndefined();
  });
});
