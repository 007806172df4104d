import { adminSubject } from '@bailiwick/messaging/subjects';
import { Refused, RefusedCommand } from '../http/problems/problem';
import { busThat, type BusReply } from '../testing/bus';
import type { Caller } from './caller';
import { PersonNames } from './person-names';
import { ROLES, type Role } from './roles';

const ADA = `ref_${'a'.repeat(26)}`;
const VIEW = { id: 'apr_0', decidedBy: ADA, purpose: `asked by ref_${'b'.repeat(26)}` };
const NAMED = { ok: true, value: { names: { [ADA]: 'user:ada@example.com' } } };

const holder = (...roles: Role[]): Caller => ({
  kind: 'key',
  tenant: 'acme',
  roles,
  actor: { kind: 'service', id: 'key:test' },
});
const PERSON: Caller = { ...holder(), person: 'user:ben@example.com' } as Caller;
const RUN = { kind: 'run', tenant: 'acme', actor: { kind: 'run', id: 'run_0' } } as Caller;

function names(reply: BusReply = { value: NAMED }) {
  const { bus, sent } = busThat(() => reply);
  const warned: unknown[] = [];
  return { names: new PersonNames(bus, { warn: (line: unknown) => void warned.push(line) }), sent, warned };
}

describe('the names of people in a response', () => {
  it.each([
    ['a person without a role', PERSON, true],
    ['a run', RUN, false],
    ...ROLES.map((role): [string, Caller, boolean] => [role, holder(role), !/orchestrator|enforcer/.test(role)]),
  ])('are for people, and not for what runs next to agents: %s', async (_who, caller, may) => {
    const { names: people, sent } = names();
    expect(await people.shown(caller, VIEW)).toEqual(may ? { ...VIEW, names: NAMED.value.names } : VIEW);
    expect(sent).toEqual(may ? [[adminSubject('person-names'), { tenant: 'acme', refs: [ADA] }]] : []);
  });

  it.each<BusReply>([{ fails: 'TIMEOUT' }, { value: 'malformed' }, { value: { ok: false } }])(
    'are left out if they cannot be read: %j',
    async (reply) => {
      const { names: people } = names(reply);
      expect(await people.shown(holder('analyst'), VIEW)).toEqual(VIEW);
    },
  );

  it('are not requested for a view that names no person', async () => {
    const { names: people, sent } = names();
    await people.shown(holder('analyst'), { id: 'run_0', principalRef: ADA });
    expect(sent).toEqual([]);
  });

  it('replace refs in the refusal of a command alone, and only in the response', async () => {
    const { names: people } = names();
    const command = new RefusedCommand('FORBIDDEN', `the rule requires ${ADA}`);
    const work = (error: Error) => people.inRefusals(holder('approver'), Promise.reject(error));
    await expect(work(command)).rejects.toMatchObject({ detail: 'the rule requires user:ada@example.com' });
    expect(command.detail).toContain(ADA);
    // the refusal of the gateway itself is recorded in the log after it
    await expect(work(new Refused('FORBIDDEN', ADA))).rejects.toMatchObject({ detail: ADA });
  });
});

describe('the name of a person who acts', () => {
  const people = [{ ref: ADA, name: 'user:ada@example.com' }];

  it('is recorded once, and read after it is recorded', async () => {
    const { names: recorder, sent } = names();
    recorder.record('acme', people);
    recorder.record('acme', people);
    await recorder.shown(holder('analyst'), VIEW);
    expect(sent.map(([subject]) => subject)).toEqual([adminSubject('record-names'), adminSubject('person-names')]);
  });

  it('is recorded at the next act if it could not be, and is in no line of the log', async () => {
    const { names: recorder, sent, warned } = names({ fails: 'TIMEOUT' });
    recorder.record('acme', people);
    await recorder.settled();
    recorder.record('acme', people);
    await recorder.settled();
    expect(sent).toHaveLength(2);
    expect(JSON.stringify(warned)).not.toContain('ada');
    expect(warned).toHaveLength(2);
  });
});
