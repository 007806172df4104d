import { act, delegateTestRun } from '@bailiwick/authority/testing/harness';
import type { Event } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { findings } from './testing/findings';

const on = (match: string) => [{ type: 'file', match }];
const docs = { actions: ['file.read'], resources: on('docs/**') };
const every = { actions: ['file.*'], resources: on('**') };
const PERSON = { kind: 'person' as const, id: 'person:ann', role: 'responder' };

/** A log of four reads of `docs/a`, two of them by a child, of which one is still in flight. */
function honest() {
  const log = new SealedLog();
  const root = log.open({
    permissions: [
      { ...docs, calls: 4 },
      { ...every, calls: 6, cost: { USD: 9 } },
    ],
    budget: { calls: 50, reads: 50, writes: 5, external: 0, cost: { USD: 90 } },
    delegation: { depth: 2, children: 9, classes: ['*'] },
  });
  const child = delegateTestRun(log, root.grantId, { permissions: [{ ...docs, calls: 3 }] });
  for (const grantId of [root.grantId, child.grantId, root.grantId, child.grantId]) {
    const read = act(log, grantId, 'file.read', { resource: { type: 'file', id: 'docs/a' }, cost: { USD: 2 } });
    expect(read.type).toBe('ActionPermitted');
    if (grantId === root.grantId)
      log.do('settle', { actionId: read.actionId as string, outcome: { status: 'completed', cost: { USD: 1 } } });
  }
  expect(act(log, root.grantId, 'file.read', { resource: { type: 'file', id: 'docs/a' } }).type).toBe(
    'ActionPermitted',
  );
  return { log, root };
}

/** Changes the limits of the root lease as they were issued. */
const issuedWith =
  (id: string, change: (limits: Limits) => Partial<Limits>) =>
  (event: Event): object | undefined =>
    event.type === 'GrantIssued' && event.grantId === id
      ? { limits: { ...event.data.limits, ...change(event.data.limits) } }
      : undefined;

describe('the audit of the caps of permissions', () => {
  it('finds nothing in an honest log, in which one of two entries is used up', () => {
    const { log, root } = honest();
    const narrowed = [
      { ...docs, calls: 2 },
      { ...every, calls: 6, cost: { USD: 9 } },
    ];
    log.do('narrow', { grantId: root.grantId, grant: { permissions: narrowed }, actor: PERSON });
    act(log, root.grantId, 'file.read', { resource: { type: 'file', id: 'docs/a' } });
    const denied = act(log, root.grantId, 'file.read', { resource: { type: 'file', id: 'docs/a' } });
    expect(denied.type).toBe('ActionDenied');
    expect(findings(log)).toEqual([]);
  });

  it.each<[string, Limits['permissions'], string]>([
    [
      'calls',
      [
        { ...docs, calls: 3 },
        { ...every, calls: 4 },
      ],
      '5 of 3 calls',
    ],
    [
      'costs',
      [
        { ...docs, calls: 3 },
        { ...every, cost: { USD: 5 } },
      ],
      '4 of 3 calls',
    ],
  ])('finds a permit for which every entry that covers it has no room for its %s', (_what, permissions, over) => {
    const { log, root } = honest();
    const found = findings(
      log,
      issuedWith(root.grantId, () => ({ permissions })),
    );
    expect(found.filter((each) => each.startsWith('budget'))).toEqual([
      `budget: permitted although ${over} of a permission are used under ${root.grantId}`,
    ]);
  });

  it('finds a permit beyond the share for which a person is asked', () => {
    const { log, root } = honest();
    const budget = ({ budget: held }: Limits) => ({ budget: { ...held, askAt: 0.5 } });
    const found = findings(log, issuedWith(root.grantId, budget));
    expect(found).toContain(`approval: permitted without an approval, although 4 of 6 calls under ${root.grantId}`);
  });

  it('finds a narrowing after which a cap starts to count again', () => {
    const { log, root } = honest();
    log.do('narrow', { grantId: root.grantId, grant: { budget: { calls: 40 } }, actor: PERSON });
    const other = { ...docs, resources: on('docs/a'), calls: 4 };
    const found = findings(log, (event) =>
      event.type === 'GrantNarrowed' ? { limits: { ...event.data.limits, permissions: [other] } } : undefined,
    );
    expect(found).toContain(
      'budget: a narrowing under which file.read on file docs/a (at most 4 calls in all) counts from nothing',
    );
  });
});
