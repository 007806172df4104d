import { generateKeyPairSync, sign } from 'node:crypto';
import type { Event } from '@bailiwick/contracts/events/event';
import { checkAcknowledged } from './checks/acknowledged';
import { checkBudgets } from './checks/budgets';
import { checkHeads } from './checks/heads';
import { checkLiveness } from './checks/liveness';
import { checkOrder, checkApi } from './checks/order';
import { checkOutcomes } from './checks/outcomes';
import { sha256, type Logged } from './log';
import type { Exchange } from './record';
import { differences } from './replay';

/** The members of an event that the checks read. */
interface Given {
  type: Event['type'];
  data?: unknown;
  runId?: string;
  grantId?: string;
  actionId?: string;
  commandId?: string;
  position?: number;
}
const logOf = (...events: Given[]): Logged[] =>
  events.map((given, position) => {
    const event = { position, commandId: `cmd_${position}`, ...given } as unknown as Event;
    return { event, body: JSON.stringify(event) };
  });

const limits = { budget: { calls: 2, reads: 2, writes: 2, external: 2, cost: { USD: 100 } } };
const charge = (USD: number) => ({ calls: 1, reads: 1, writes: 0, external: 0, cost: { USD } });
const opened = (runId: string): Given => ({
  type: 'RunOpened',
  runId,
  data: { agent: { class: `class of ${runId}` } },
});
const issued = (grantId: string, parentId?: string): Given => ({
  type: 'GrantIssued',
  grantId,
  runId: `run of ${grantId}`,
  data: { parentId, limits },
});
const permit = (actionId: string, grantId: string, more: { USD?: number; approvalId?: string } = {}): Given => ({
  type: 'ActionPermitted',
  actionId,
  grantId,
  runId: `run of ${grantId}`,
  data: {
    charge: charge(more.USD ?? 10),
    approvalId: more.approvalId,
    verb: 'file.read',
    resource: { id: 'a' },
    remaining: 1,
  },
});
const outcome = (actionId: string, grantId: string, USD: number): Given => ({
  type: 'ActionCompleted',
  actionId,
  grantId,
  runId: `run of ${grantId}`,
  data: { charge: { cost: { USD } }, cost: { USD } },
});
const BASE = [opened('run of root'), issued('root'), opened('run of leaf'), issued('leaf', 'root')];

describe('the checks of a chaos run', () => {
  it('report a gap between positions and a command executed twice', () => {
    expect(checkOrder(logOf(...BASE))).toEqual([]);
    expect(checkOrder(logOf(...BASE, { type: 'GrantRevoked', position: 5 }))).toEqual([
      expect.stringContaining('(I5)'),
    ]);
    const twice = ['a', 'a', 'b', 'a'].map((commandId): Given => ({ type: 'Refused', commandId }));
    expect(checkOrder(logOf(...twice))).toEqual([expect.stringContaining('executed twice')]);
  });

  it('report events that the API omits or alters', () => {
    const log = logOf(...BASE);
    const returned = log.map(({ event }) => ({ ...event, payload: { purpose: 'separate payload' } }));
    expect(checkApi(log, returned)).toEqual([]);
    expect(checkApi(log, returned.slice(1))).toHaveLength(1);
    expect(checkApi(log, [...returned.slice(0, 3), { ...returned[3]!, grantId: 'other' }])).toHaveLength(1);
  });

  it('report a cap exceeded by a grant or its ancestor, and an exhausted cap that is not used up', () => {
    const spend = (...events: Given[]) => checkBudgets(logOf(...BASE, issued('other', 'root'), ...events), []).findings;
    const full = [permit('a', 'leaf', { USD: 90 }), outcome('a', 'leaf', 60), permit('b', 'other', { USD: 40 })];
    expect(spend(...full)).toEqual([]);
    // a third call, above the root's cap of two
    expect(spend(...full, permit('c', 'leaf', { USD: 0 }))).toEqual([
      expect.stringMatching(/^root .*3 of 2 calls/),
      expect.stringMatching(/^root .*3 of 2 reads/),
    ]);
    // the sum of held and spent money exceeds the cap
    expect(spend(permit('a', 'leaf', { USD: 90 }), permit('b', 'other', { USD: 40 }))).toEqual([
      expect.stringContaining('130 of 100 USD'),
    ]);
    expect(spend(permit('a', 'leaf', { USD: 1 }), outcome('a', 'leaf', 101))).toHaveLength(2);
    const exhausted = (amount: number) =>
      checkBudgets(logOf(...BASE, permit('a', 'leaf')), [{ grantId: 'root', counter: 'calls', amount }]).findings;
    expect(exhausted(1)).toEqual([]);
    expect(exhausted(2)).toHaveLength(1);
  });

  it.each<[string, Given[]]>([
    ['revoked', [{ type: 'GrantRevoked', grantId: 'leaf' }]],
    ['revoked through its parent', [{ type: 'GrantRevoked', grantId: 'root' }]],
    ['exhausted', [{ type: 'GrantExhausted', grantId: 'root' }]],
    ['expired', [{ type: 'GrantExpired', grantId: 'root' }]],
    ['suspended', [{ type: 'GrantSuspended', grantId: 'leaf' }]],
    ['completed', [{ type: 'RunCompleted', runId: 'run of root' }]],
    [
      'revoked by a rule',
      [{ type: 'RevocationRuleAdded', data: { selector: { agentClass: 'class of run of root' } } }],
    ],
  ])('report a permit under a lease that is %s', (_how, events) => {
    expect(checkLiveness(logOf(...BASE, permit('a', 'leaf'), ...events))).toEqual([]);
    expect(checkLiveness(logOf(...BASE, ...events, permit('a', 'leaf')))).toEqual([expect.stringContaining('(I2)')]);
  });

  it('report an approval decided twice, used twice, or used after a denial', () => {
    const given = (verdict: string): Given => ({ type: 'ApprovalGiven', data: { approvalId: 'yes', verdict } });
    const used = (id: string) => permit(id, 'leaf', { approvalId: 'yes' });
    expect(checkLiveness(logOf(...BASE, given('approve'), used('a')))).toEqual([]);
    expect(checkLiveness(logOf(...BASE, given('approve'), used('a'), used('b')))).toHaveLength(1);
    expect(checkLiveness(logOf(...BASE, given('deny'), used('a')))).toHaveLength(1);
    expect(checkLiveness(logOf(...BASE, given('approve'), given('approve')))).toHaveLength(1);
  });

  it('report a permit without exactly one outcome under the same lease', () => {
    const end = outcome('a', 'leaf', 1);
    expect(checkOutcomes(logOf(permit('a', 'leaf'), end))).toEqual([]);
    expect(checkOutcomes(logOf(permit('a', 'leaf')))).toHaveLength(1);
    expect(checkOutcomes(logOf(permit('a', 'leaf'), end, end))).toHaveLength(1);
    expect(checkOutcomes(logOf(permit('a', 'leaf'), permit('a', 'leaf'), end))).toHaveLength(1);
    expect(checkOutcomes(logOf(permit('a', 'leaf'), outcome('a', 'root', 1)))).toHaveLength(1);
  });

  it('report acknowledged results that the log lacks, repeats or alters, and unacknowledged events', () => {
    const request = { grantId: 'leaf', action: { verb: 'file.read' }, resource: { id: 'a' }, cost: { USD: 10 } };
    const response = { decision: 'permit', actionId: 'a', position: 4, remaining: 1 };
    const exchange = (body: object, status = 200): Exchange => ({
      role: 'enforcer',
      path: '/v1/actions',
      key: 'k',
      body: JSON.stringify(request),
      status,
      text: JSON.stringify(body),
    });
    const check = (events: Given[], ...exchanges: Exchange[]) =>
      checkAcknowledged(logOf(...[1, 2, 3, 4].map(() => opened('x')), ...events), exchanges);
    expect(check([permit('a', 'leaf')], exchange(response))).toEqual([]);
    expect(check([], exchange(response))).toEqual([expect.stringContaining('is in the log 0 times')]);
    expect(check([permit('a', 'leaf'), permit('a', 'leaf')], exchange(response))).toEqual([
      expect.stringContaining('is in the log 2 times'),
    ]);
    expect(check([permit('a', 'leaf')])).toEqual([expect.stringContaining('was never acknowledged')]);
    expect(check([permit('a', 'leaf')], exchange({ ...response, position: 3 }))).toHaveLength(1);
    expect(check([permit('a', 'leaf')], exchange({ ...response, remaining: 2 }))).toHaveLength(1);
    expect(check([permit('a', 'leaf', { USD: 11 })], exchange(response))).toHaveLength(1);
    expect(check([permit('a', 'root')], exchange(response))).toHaveLength(1);
    expect(check([], exchange({}, 403))).toHaveLength(1);
  });

  it('report a signed head that is not a head of the log or not signed by its key', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url');
    const vkey = `log+00000000+${Buffer.concat([Buffer.of(1), raw]).toString('base64')}\n`;
    const note = (size: number, root: Buffer, by = privateKey): string => {
      const text = `log\n${size}\n${root.toString('base64')}\n`;
      const signature = Buffer.concat([Buffer.alloc(4), sign(null, Buffer.from(text), by)]);
      return `${text}\n— log ${signature.toString('base64')}\n`;
    };
    const log = logOf(...BASE);
    const [a, b, c] = log.map(({ body }) => sha256(Buffer.of(0), sha256(body))) as [Buffer, Buffer, Buffer];
    const three = sha256(Buffer.of(1), sha256(Buffer.of(1), a, b), c);
    const check = (...notes: string[]) => checkHeads(log, new Set(notes), vkey);
    expect(check(note(1, a), note(3, three))).toEqual([]);
    expect(check(note(2, three))).toHaveLength(1);
    expect(check(note(9, three))).toHaveLength(1);
    expect(check(note(3, three, generateKeyPairSync('ed25519').privateKey))).toHaveLength(1);
  });

  it('report rows that only one of two replays contains', () => {
    expect(differences('table', ['a', 'b'], ['b', 'a'])).toEqual([]);
    for (const fresh of [['a'], ['a', 'c'], ['a', 'b', 'c'], ['a', 'b', 'b']])
      expect(differences('table', ['a', 'b'], fresh)).toHaveLength(1);
  });
});
