import { generateKeyPairSync, sign } from 'node:crypto';
import type { Event } from '@bailiwick/contracts/event';
import { checkAcknowledged } from './checks/acknowledged';
import { checkBudgets } from './checks/budgets';
import { checkHeads } from './checks/heads';
import { checkLiveness } from './checks/liveness';
import { checkOrder, checkTold } from './checks/order';
import { checkOutcomes } from './checks/outcomes';
import { sha256, type Logged } from './log';
import type { Exchange } from './record';
import { differences } from './replay';

/** What a check reads of an event, and no more. */
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

describe('what must hold of a log after the chaos', () => {
  it('positions without a gap, and no command carried out twice', () => {
    expect(checkOrder(logOf(...BASE))).toEqual([]);
    expect(checkOrder(logOf(...BASE, { type: 'GrantRevoked', position: 5 }))).toEqual([
      expect.stringContaining('(I5)'),
    ]);
    const twice = ['a', 'a', 'b', 'a'].map((commandId): Given => ({ type: 'Refused', commandId }));
    expect(checkOrder(logOf(...twice))).toEqual([expect.stringContaining('carried out twice')]);
  });

  it('the API tells it as it is', () => {
    const log = logOf(...BASE);
    const told = log.map(({ event }) => ({ ...event, payload: { purpose: 'beside it' } }));
    expect(checkTold(log, told)).toEqual([]);
    expect(checkTold(log, told.slice(1))).toHaveLength(1);
    expect(checkTold(log, [...told.slice(0, 3), { ...told[3]!, grantId: 'other' }])).toHaveLength(1);
  });

  it('no cap exceeded at any position, here or above, and those that should be are met', () => {
    const spend = (...events: Given[]) => checkBudgets(logOf(...BASE, issued('other', 'root'), ...events), []).findings;
    const full = [permit('a', 'leaf', { USD: 90 }), outcome('a', 'leaf', 60), permit('b', 'other', { USD: 40 })];
    expect(spend(...full)).toEqual([]);
    // a third call of two, for the root only
    expect(spend(...full, permit('c', 'leaf', { USD: 0 }))).toEqual([
      expect.stringMatching(/^root .*3 of 2 calls/),
      expect.stringMatching(/^root .*3 of 2 reads/),
    ]);
    // held by one, spent by the other: together too much
    expect(spend(permit('a', 'leaf', { USD: 90 }), permit('b', 'other', { USD: 40 }))).toEqual([
      expect.stringContaining('130 of 100 USD'),
    ]);
    expect(spend(permit('a', 'leaf', { USD: 1 }), outcome('a', 'leaf', 101))).toHaveLength(2);
    const met = (amount: number) =>
      checkBudgets(logOf(...BASE, permit('a', 'leaf')), [{ grantId: 'root', counter: 'calls', amount }]).findings;
    expect(met(1)).toEqual([]);
    expect(met(2)).toHaveLength(1);
  });

  it.each<[string, Given[]]>([
    ['revoked', [{ type: 'GrantRevoked', grantId: 'leaf' }]],
    ['revoked above', [{ type: 'GrantRevoked', grantId: 'root' }]],
    ['exhausted', [{ type: 'GrantExhausted', grantId: 'root' }]],
    ['expired', [{ type: 'GrantExpired', grantId: 'root' }]],
    ['suspended', [{ type: 'GrantSuspended', grantId: 'leaf' }]],
    ['completed', [{ type: 'RunCompleted', runId: 'run of root' }]],
    ['struck by a rule', [{ type: 'RevocationRuleAdded', data: { selector: { agentClass: 'class of run of root' } } }]],
  ])('no permit under a lease that is %s', (_how, events) => {
    expect(checkLiveness(logOf(...BASE, permit('a', 'leaf'), ...events))).toEqual([]);
    expect(checkLiveness(logOf(...BASE, ...events, permit('a', 'leaf')))).toEqual([expect.stringContaining('(I2)')]);
  });

  it('an approval is given once, and serves one permit', () => {
    const given = (verdict: string): Given => ({ type: 'ApprovalGiven', data: { approvalId: 'yes', verdict } });
    const used = (id: string) => permit(id, 'leaf', { approvalId: 'yes' });
    expect(checkLiveness(logOf(...BASE, given('approve'), used('a')))).toEqual([]);
    expect(checkLiveness(logOf(...BASE, given('approve'), used('a'), used('b')))).toHaveLength(1);
    expect(checkLiveness(logOf(...BASE, given('deny'), used('a')))).toHaveLength(1);
    expect(checkLiveness(logOf(...BASE, given('approve'), given('approve')))).toHaveLength(1);
  });

  it('one outcome for each permit', () => {
    const end = outcome('a', 'leaf', 1);
    expect(checkOutcomes(logOf(permit('a', 'leaf'), end))).toEqual([]);
    expect(checkOutcomes(logOf(permit('a', 'leaf')))).toHaveLength(1);
    expect(checkOutcomes(logOf(permit('a', 'leaf'), end, end))).toHaveLength(1);
    expect(checkOutcomes(logOf(permit('a', 'leaf'), permit('a', 'leaf'), end))).toHaveLength(1);
    expect(checkOutcomes(logOf(permit('a', 'leaf'), outcome('a', 'root', 1)))).toHaveLength(1);
  });

  it('what was acknowledged, once and as it was told, and nothing else', () => {
    const asked = { grantId: 'leaf', action: { verb: 'file.read' }, resource: { id: 'a' }, cost: { USD: 10 } };
    const told = { decision: 'permit', actionId: 'a', position: 4, remaining: 1 };
    const answer = (body: object, status = 200): Exchange => ({
      role: 'enforcer',
      path: '/v1/actions',
      key: 'k',
      body: JSON.stringify(asked),
      status,
      text: JSON.stringify(body),
    });
    const check = (events: Given[], ...exchanges: Exchange[]) =>
      checkAcknowledged(logOf(...[1, 2, 3, 4].map(() => opened('x')), ...events), exchanges);
    expect(check([permit('a', 'leaf')], answer(told))).toEqual([]);
    expect(check([], answer(told))).toEqual([expect.stringContaining('stands 0 times')]);
    expect(check([permit('a', 'leaf'), permit('a', 'leaf')], answer(told))).toEqual([
      expect.stringContaining('stands 2 times'),
    ]);
    expect(check([permit('a', 'leaf')])).toEqual([expect.stringContaining('told to nobody')]);
    expect(check([permit('a', 'leaf')], answer({ ...told, position: 3 }))).toHaveLength(1);
    expect(check([permit('a', 'leaf')], answer({ ...told, remaining: 2 }))).toHaveLength(1);
    expect(check([permit('a', 'leaf', { USD: 11 })], answer(told))).toHaveLength(1);
    expect(check([permit('a', 'root')], answer(told))).toHaveLength(1);
    expect(check([], answer({}, 403))).toHaveLength(1);
  });

  it('every signed head is a head of it', () => {
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

  it('rows that a fresh replay has not, or has besides', () => {
    expect(differences('table', ['a', 'b'], ['b', 'a'])).toEqual([]);
    for (const fresh of [['a'], ['a', 'c'], ['a', 'b', 'c'], ['a', 'b', 'b']])
      expect(differences('table', ['a', 'b'], fresh)).toHaveLength(1);
  });
});
