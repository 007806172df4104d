import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import type { Bus } from '@bailiwick/messaging/connect';
import { deriveId } from '@bailiwick/core/derive-id';
import { needsDrift, withDrift, type Owner } from './drift';

const call = (action: object, vouched = true) => ({
  type: 'authorize',
  log: 'acme/0',
  commandId: `cmd_${'0'.repeat(26)}1`,
  actor: { kind: 'service', id: 'key:enforcer', role: 'enforcer' },
  grantId: deriveId('grant', 0, 'a', 'lease'),
  action,
  resource: { type: 'mailbox', id: 'ann' },
  proof: { vouched },
  payload: { salt: 's'.repeat(22), value: { args: { to: 'ann' } } },
});

/** A bus whose intent monitor answers each question like this, and that keeps the questions. */
function busWith(answer: unknown) {
  const asked: unknown[] = [];
  const request = (_subject: string, body: unknown): Promise<unknown> => {
    asked.push(body);
    return Promise.resolve(answer);
  };
  return { bus: { request } as unknown as Bus, asked };
}
const owner: Owner = { committed: 42, catalog: DEFAULT_CATALOG, ignoresDrift: () => false };
const scored = { ok: true, value: { ok: true, value: { score: 0.7, features: [] } } };

describe('withDrift', () => {
  it('asks the monitor before every action that does more than read, about all events before it', async () => {
    for (const verb of ['email.send', 'file.write', 'never.heard', 'file.delete']) {
      const { bus, asked } = busWith(scored);
      const command = await withDrift(bus, call({ verb }), owner);
      expect([verb, command]).toEqual([verb, expect.objectContaining({ drift: { score: 0.7, features: [] } })]);
      expect(asked).toEqual([expect.objectContaining({ after: 42, args: { to: 'ann' } })]);
    }
  });

  it('asks nothing before a read of low risk, and returns the command as it is', async () => {
    const { bus, asked } = busWith(scored);
    const command = call({ verb: 'file.read' });
    expect(await withDrift(bus, command, owner)).toBe(command);
    expect(needsDrift(call({ verb: 'never.heard', effect: 'read' }), owner)).toBe(false);
    // of a run itself the statement does not count
    expect(needsDrift(call({ verb: 'never.heard', effect: 'read' }, false), owner)).toBe(true);
    expect(asked).toEqual([]);
  });

  it('asks only about high risk if the lease has no threshold that a score could reach', () => {
    const open = { ...owner, ignoresDrift: () => true };
    expect(needsDrift(call({ verb: 'email.send' }), open)).toBe(false);
    expect(needsDrift(call({ verb: 'file.delete' }), open)).toBe(true);
  });

  it('marks a high-risk action as without a score if the monitor does not answer in time, and leaves any other to the log', async () => {
    const { bus } = busWith({ ok: false, error: 'TIMEOUT' });
    const wanted = { drift: 'unavailable' };
    for (const action of [{ verb: 'file.delete' }, { verb: 'file.write', risk: 'high' }])
      expect(await withDrift(bus, call(action), owner)).toMatchObject(wanted);
    const command = call({ verb: 'email.send' });
    expect(await withDrift(bus, command, owner)).toBe(command);
  });
});
