import { LIMITS } from '@bailiwick/core/limits';
import type { SignedIn } from './issuers/people';
import { Pseudonyms } from './pseudonyms';
import { TokenSignIns } from './token-sign-ins';

const ADA: SignedIn = {
  tenant: 'acme',
  person: 'user:ada@example.com',
  roles: ['approver', 'analyst'],
  groups: ['finance'],
  via: 'https://idp.example.com',
  expiresAt: Infinity,
};
const BURST = LIMITS.issuers.signIns.person.burst;

/** A gateway; all of an installation have the same key. */
function gateway(fails = false) {
  const sent: Record<string, unknown>[] = [];
  const named: unknown[] = [];
  const warned: unknown[] = [];
  const signIns = new TokenSignIns(
    {
      command: (command: object) => {
        sent.push(command as never);
        return fails ? Promise.reject(new Error('no owner')) : Promise.resolve(undefined as never);
      },
    },
    { record: (...all) => void named.push(all) },
    new Pseudonyms(Buffer.alloc(32, 1)),
    { warn: (...all: unknown[]) => void warned.push(all) } as never,
  );
  return { signIns, sent, named, warned };
}

describe('TokenSignIns', () => {
  it('records the first use of a token, with the person and the issuer and nothing of the token', () => {
    const { signIns, sent, named } = gateway();
    signIns.used(ADA, 'digest-of-the-token');
    signIns.used(ADA, 'digest-of-the-token');
    expect(sent).toMatchObject([
      {
        type: 'recordSession',
        log: 'acme/0',
        actor: { kind: 'person', role: 'approver', groups: ['finance'], via: ADA.via },
        change: 'started',
        with: 'token',
      },
    ]);
    expect(named).toMatchObject([['acme', [{ name: ADA.person }]]]);
    for (const kept of ['digest-of', 'ada']) expect(JSON.stringify(sent)).not.toContain(kept);
  });

  it('gives the use of one token the same id at every gateway, and another to each token', () => {
    const ids = [gateway(), gateway()].map(({ signIns, sent }) => {
      signIns.used(ADA, 'one');
      signIns.used(ADA, 'two');
      return sent.map(({ commandId }) => commandId);
    });
    expect(ids[0]).toEqual(ids[1]);
    expect(new Set(ids[0]).size).toBe(2);
    for (const id of ids[0] ?? []) expect(id).toMatch(/^idk_[0-9a-f]{52}$/);
  });

  it('records no more tokens of a person than their rate, and those of another person', () => {
    const { signIns, sent } = gateway();
    for (let i = 0; i < BURST + 5; i++) signIns.used(ADA, `token ${i}`);
    expect(sent).toHaveLength(BURST);
    signIns.used({ ...ADA, person: 'user:ben@example.com' }, 'of Ben');
    expect(sent).toHaveLength(BURST + 1);
  });

  it('records no more people of a tenant than its rate, and those of another tenant', () => {
    const { signIns, sent } = gateway();
    const most = LIMITS.issuers.signIns.tenant.burst;
    // the bucket may refill by some tokens while this runs
    for (let i = 0; i < 2 * most; i++) signIns.used({ ...ADA, person: `user:${i}@example.com` }, `token ${i}`);
    expect(sent.length).toBeLessThan(most + most / 2);
    const before = sent.length;
    signIns.used({ ...ADA, tenant: 'other' }, 'elsewhere');
    expect(sent).toHaveLength(before + 1);
  });

  it('tries again with the next verification if no owner has taken it', async () => {
    const { signIns, sent, warned } = gateway(true);
    signIns.used(ADA, 'one');
    await Promise.resolve();
    await Promise.resolve();
    signIns.used(ADA, 'one');
    expect([sent.length, warned.length]).toEqual([2, 1]);
    expect(sent[0]).toEqual(sent[1]);
  });
});
