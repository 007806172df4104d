import { ProblemError } from '@bailiwick/client/client';
import type { PreviewView } from '@bailiwick/contracts/queries/query';
import { digestOf, leftAfter, leftIn, readDigest, type ClassPlan, type Holdings, type Shown } from './holdings';
import type { Clients } from './read-holdings';
import { offboard, type StepDone } from './steps';

const ADA = 'user:ada@example.com';
const PLAN: ClassPlan = { owners: new Map([['sync-bot', 'user:bob@example.com']]), stops: new Set(['refund-bot']) };
const preview = (grants: number): PreviewView =>
  ({ digest: '7.ab', counts: { grants, pendingApprovals: 0 } }) as PreviewView;

/** A service with all that belongs to Ada; the process of the client dies after a number of requests. */
function world() {
  const has = {
    leases: 2,
    ofBot: 1,
    keys: ['key_1', 'key_2'],
    standing: ['apr_0_1'],
    answered: ['apr_0_2'],
    owner: ADA,
  };
  const keys: string[] = [];
  let left = Infinity;
  const request = async <T>(act: () => T): Promise<T> => {
    if ((left -= 1) < 0) throw new Error('the client has died');
    return act();
  };
  const client = {
    post: (path: string, { selector }: { selector?: { principal?: string } }, options?: { idempotencyKey: string }) =>
      request(() => {
        if (path === '/v1/sessions/revocation') return { ended: 1, issuers: ['https://id.example'] };
        keys.push(options?.idempotencyKey ?? '');
        if (selector?.principal === undefined) has.ofBot = 0;
        else has.leases = 0;
        return { revocationId: 'rev_0_1', positions: {} };
      }),
    delete: (path: string) => request(() => (has.keys = has.keys.filter((id) => !path.endsWith(id)))),
    decide: (id: string) =>
      request(() => {
        has.standing = has.standing.filter((each) => each !== id);
        has.answered = has.answered.filter((each) => each !== id);
        return { approval: { status: 'denied' } };
      }),
    policy: () => request(() => ({ version: 1, bundle: { agents: [{ class: 'sync-bot', owner: has.owner }] } })),
    deployPolicy: (files: Record<string, string>) =>
      request(() => {
        has.owner = Object.values(files).join('').includes('user:bob@example.com') ? 'bob' : ADA;
        return { version: 2 };
      }),
  };
  const clients = { responder: client, admin: client, approver: client } as unknown as Clients;
  const holdings = (): Holdings => ({
    person: ADA,
    leases: preview(has.leases),
    keys: has.keys.map((id) => ({ id, name: id })),
    standing: has.standing.map((id) => ({ id, asks: 'x' })),
    answered: has.answered.map((id) => ({ id, asks: 'x' })),
    classes: [
      { name: 'refund-bot', leases: preview(has.ofBot) },
      ...(has.owner === ADA ? [{ name: 'sync-bot', leases: preview(3) }] : []),
    ],
    approvedLeases: 0,
    issuedKeys: [],
    endedKeys: 0,
    unread: [],
  });
  const run = (digest: string) => {
    const steps: StepDone[] = [];
    const carrying = {
      holdings: holdings(),
      shown: readDigest(digest) as Shown,
      plan: PLAN,
      reason: 'left',
      force: false,
    };
    return offboard(clients, { ...carrying, report: (step) => steps.push(step) }).then(({ issuers }) => ({
      steps,
      issuers,
    }));
  };
  return { client, holdings, run, keys, dieAfter: (requests: number) => (left = requests) };
}

describe('offboard', () => {
  it('leaves nothing, and ends the leases first', async () => {
    const { run, holdings } = world();
    const { steps, issuers } = await run(digestOf(holdings()));
    expect(issuers).toEqual(['https://id.example']);
    expect(steps.map(({ part }) => part)).toEqual([
      'leases',
      'sessions',
      'key key_1',
      'key key_2',
      'standing approval apr_0_1',
      'answer to apr_0_2',
      'class refund-bot',
      'owners',
    ]);
    expect([steps.filter(({ failed }) => failed), leftIn(holdings(), PLAN)]).toEqual([[], []]);
  });

  it('continues under the same digest after the client died between any two steps, and repeats no revocation', async () => {
    for (let requests = 0; requests < 9; requests++) {
      const { run, holdings, dieAfter, keys } = world();
      const digest = digestOf(holdings());
      dieAfter(requests);
      const first = await run(digest);
      expect(first.steps.some(({ failed }) => failed !== undefined)).toBe(true);
      dieAfter(Infinity);
      expect((await run(digest)).steps.filter(({ failed }) => failed)).toEqual([]);
      expect(leftIn(holdings(), PLAN)).toEqual([]);
      expect(keys.length - new Set(keys).size).toBe(requests === 0 ? 0 : requests > 6 ? 2 : 1);
    }
  });

  it('does nothing if the leases have grown since they were shown', async () => {
    const { client, run, holdings } = world();
    const grew = new ProblemError(409, 'BLAST_RADIUS_GREW', 'it has grown');
    client.post = () => Promise.reject(grew);
    await expect(run(digestOf(holdings()))).rejects.toBe(grew);
    expect(holdings().keys).toHaveLength(2);
  });

  it('takes the other steps although one fails', async () => {
    const { client, run, holdings } = world();
    client.delete = () => Promise.reject(new Error('needs the role admin'));
    const { steps } = await run(digestOf(holdings()));
    expect(steps.filter(({ failed }) => failed).map(({ part }) => part)).toEqual(['key key_1', 'key key_2']);
    expect(leftAfter(steps, holdings(), PLAN)).toEqual([
      'key key_1: needs the role admin',
      'key key_2: needs the role admin',
    ]);
  });

  it('leaves each step that failed, also one of which nothing can be read', async () => {
    const { client, run, holdings } = world();
    const post = client.post.bind(client);
    client.post = (path, ...rest) =>
      path === '/v1/sessions/revocation' ? Promise.reject(new Error('not ready')) : post(path, ...rest);
    client.decide = () => Promise.resolve({ approval: { status: 'pending' } });
    const { steps, issuers } = await run(digestOf(holdings()));
    expect(issuers).toEqual([]);
    expect(leftAfter(steps, holdings(), PLAN)).toEqual([
      'sessions: not ready',
      'answer to apr_0_2: denied once; the policy wants further people to deny it',
      'standing approval apr_0_1',
    ]);
  });
});
