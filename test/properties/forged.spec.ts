import fc from 'fast-check';
import { evolve } from '@bailiwick/authority/events/evolve';
import { CorruptLog } from '@bailiwick/authority/events/follows';
import type { Event, EventOf, EventType } from '@bailiwick/contracts/events/event';
import { rfc3339 } from '@bailiwick/core/clock';
import { deriveId } from '@bailiwick/core/derive-id';
import { moves } from './moves';
import { Play } from './play';

/**
 * Fails without the check of a resumption, of amounts, of a supersession, of the tenant.
 */
fc.configureGlobal({ seed: 20260111 });

/** An event as a plain object that bypasses every constructor, as a writer with access to the store could make it. */
type Forge = (play: Play, n: number) => Forged;
type Forged = Partial<Record<keyof Event, unknown>> & { type: EventType; data: unknown; place?: Partial<Event> };

/** Returns the n-th event of a type that was written under the rules. */
function real<T extends EventType>(play: Play, type: T, n: number): EventOf<T> {
  const all = play.of(type);
  fc.pre(all.length > 0);
  return all[n % all.length] as EventOf<T>;
}
/** Returns the opening of a run whose tree is not forgotten. */
function known(play: Play, n: number): EventOf<'RunOpened'> {
  const opened = real(play, 'RunOpened', n);
  fc.pre(play.log.state.trees.has(opened.treeId ?? ''));
  return opened;
}
const of = (event: Event, data: object = {}): Forged => ({ ...event, data: { ...event.data, ...data } });
const other = (ids: readonly (string | undefined)[], not: unknown): string => {
  const found = ids.find((id) => id !== not);
  fc.pre(found !== undefined);
  return found;
};
const fresh = (n: number) => deriveId('action', 0, `forged ${n}`);
const ended = (play: Play): { grantId: string; runId: string } => {
  const dead = [...play.log.state.grants.values()].find((grant) => !['active', 'suspended'].includes(grant.status));
  fc.pre(dead !== undefined);
  return { grantId: dead?.id, runId: dead?.runId };
};
const AMOUNTS = [-1, NaN, Infinity, -Infinity, 0.5, 2 ** 53, '3', null];
const charged = (event: EventOf<'ActionPermitted'>, n: number, where: 'calls' | 'USD') => {
  const wrong = AMOUNTS[n % AMOUNTS.length] as number;
  const charge = { ...event.data.charge };
  return { charge: where === 'calls' ? { ...charge, calls: wrong } : { ...charge, cost: { USD: wrong } } };
};

const THROWS: Record<string, Forge> = {
  'a position that is taken': (play, n) => ({
    ...of(real(play, 'GrantIssued', n)),
    place: { position: play.log.state.next - 1 },
  }),
  'a position beyond the next': (play, n) => ({
    ...of(real(play, 'GrantIssued', n)),
    place: { position: play.log.state.next + 1 },
  }),
  'another log': (play, n) => ({ ...of(real(play, 'GrantIssued', n)), log: 'default/1' }),
  'another tenant': (play) => ({
    ...of(play.log.events[0] as Event),
    type: 'Refused',
    data: { command: 'x', code: 'FORBIDDEN', detail: 'x' },
    tenant: 'other',
  }),
  'an earlier time': (play, n) => ({
    ...of(real(play, 'RunOpened', n)),
    runId: deriveId('run', 0, 'forged'),
    treeId: deriveId('tree', 0, 'forged'),
    data: { ...real(play, 'RunOpened', n).data, parentRunId: undefined },
    place: { time: rfc3339(play.log.state.lastTime - 1) },
  }),
  'no time': (play, n) => ({ ...of(real(play, 'GrantIssued', n)), place: { time: 'noon' } }),
  'an unknown type': (play) => ({ ...of(play.log.events[0] as Event), type: 'GrantWidened' as EventType }),
  'a run a second time': (play, n) => of(known(play, n)),
  'a second root in a tree': (play, n) => ({
    ...of(known(play, n), { parentRunId: undefined }),
    runId: deriveId('run', 0, 'forged'),
  }),
  'a run below one of another tree': (play, n) => {
    const run = real(play, 'RunOpened', n);
    return {
      ...of(run, { parentRunId: run.runId }),
      runId: deriveId('run', 0, 'forged'),
      treeId: deriveId('tree', 0, 'forged'),
    };
  },
  'a grant a second time': (play, n) => of(real(play, 'GrantIssued', n)),
  'a second lease of a run': (play, n) => ({
    ...of(real(play, 'GrantIssued', n), { approvalId: undefined, supersedes: undefined }),
    grantId: deriveId('grant', 0, 'forged'),
  }),
  'a lease below an unknown one': (play, n) => ({ ...orphan(play, n, { parentId: deriveId('grant', 0, 'unknown') }) }),
  'a lease of a child as a root': (play, n) => orphan(play, n, { parentId: undefined }),
  'a lease below another run’s': (play, n) => {
    const { run, parentId } = childless(play, n);
    return orphan(play, n, {
      parentId: other(
        play.ids('grant').filter((id) => play.runOf(id) !== run.data.parentRunId),
        parentId,
      ),
    });
  },
  'a raise of another run’s grant': (play, n) => {
    const grant = real(play, 'GrantIssued', n);
    const supersedes = other(
      play.ids('grant').filter((id) => play.runOf(id) !== grant.runId),
      grant.grantId,
    );
    return { ...of(grant, { supersedes, approvalId: undefined }), grantId: deriveId('grant', 0, 'forged') };
  },
  'a raise of a grant that has ended': (play) => {
    const dead = ended(play);
    const grant = play.of('GrantIssued').find((each) => each.grantId === dead.grantId) as Event;
    return {
      ...of(grant, { supersedes: dead.grantId, approvalId: undefined }),
      grantId: deriveId('grant', 0, 'forged'),
    };
  },
  'a grant that takes its own place': (play, n) => superseded(play, n, (grantId) => grantId),
  'a grant that takes another’s place without being its raise': (play, n) =>
    superseded(play, n, (grantId) => other(play.ids('grant'), grantId)),
  'a resumption of a grant that has ended': (play) => ({
    ...of(play.log.events[0] as Event),
    ...ended(play),
    type: 'GrantResumed',
    data: { reason: { code: 'X' } },
  }),
  'a suspension of a grant that has ended': (play) => ({
    ...of(play.log.events[0] as Event),
    ...ended(play),
    type: 'GrantSuspended',
    data: { reason: { code: 'X' } },
  }),
  'a resumption in another run’s name': (play, n) => {
    const grant = real(play, 'GrantIssued', n);
    return {
      ...of(grant),
      runId: other(play.ids('run'), grant.runId),
      type: 'GrantResumed',
      data: { reason: { code: 'X' } },
    };
  },
  'a permit a second time': (play, n) => {
    const permit = real(play, 'ActionPermitted', n);
    // (an action settled a day ago is forgotten; ids contain their position, so that none is reused)
    fc.pre(
      play.log.state.actions.has(permit.actionId as string) || play.log.state.settled.has(permit.actionId as string),
    );
    return of(permit, { approvalId: undefined });
  },
  'a permit of an unknown grant': (play, n) => ({
    ...of(real(play, 'ActionPermitted', n)),
    actionId: fresh(n),
    grantId: deriveId('grant', 0, 'unknown'),
  }),
  'a permit of another run': (play, n) => {
    const permit = real(play, 'ActionPermitted', n);
    return {
      ...of(permit, { approvalId: undefined }),
      actionId: fresh(n),
      runId: other(play.ids('run'), permit.runId),
    };
  },
  'a permit in another tree': (play, n) => {
    const permit = real(play, 'ActionPermitted', n);
    return {
      ...of(permit, { approvalId: undefined }),
      actionId: fresh(n),
      treeId: other(play.ids('tree'), permit.treeId),
    };
  },
  'a permit of a wrong count': (play, n) => ({
    ...of(real(play, 'ActionPermitted', n), {
      approvalId: undefined,
      ...charged(real(play, 'ActionPermitted', n), n, 'calls'),
    }),
    actionId: fresh(n),
  }),
  'a permit of a wrong sum': (play, n) => ({
    ...of(real(play, 'ActionPermitted', n), {
      approvalId: undefined,
      ...charged(real(play, 'ActionPermitted', n), n, 'USD'),
    }),
    actionId: fresh(n),
  }),
  'a permit by an approval that is used': (play, n) => {
    const permit = real(play, 'ActionPermitted', n);
    fc.pre(permit.data.approvalId !== undefined);
    return { ...of(permit), actionId: fresh(n) };
  },
  'a permit by an approval of something else': (play, n) => {
    const approval = [...play.log.state.approvals.values()].find((each) => each.status === 'approved');
    fc.pre(approval !== undefined);
    return {
      ...of(real(play, 'ActionPermitted', n), { approvalId: approval?.id, binding: `sha256:${'0'.repeat(64)}` }),
      actionId: fresh(n),
    };
  },
  'an outcome of nothing': (play, n) => ({ ...outcome(play, n), actionId: fresh(n) }),
  'a second outcome': (play, n) => of(real(play, n % 2 ? 'ActionCompleted' : 'ActionAbandoned', n)),
  'an outcome in another run’s name': (play, n) => ({
    ...outcome(play, n),
    runId: other(play.ids('run'), outcome(play, n).runId),
  }),
  'an outcome of a wrong sum': (play, n) => outcome(play, n, AMOUNTS[n % AMOUNTS.length] as number),
  'a request by the id of another': (play, n) => of(real(play, 'ApprovalRequested', n)),
  'an answer in another run’s name': (play, n) => {
    const asked = real(play, 'ApprovalRequested', n);
    return {
      ...of(asked),
      runId: other(play.ids('run'), asked.runId),
      type: 'ApprovalGiven',
      data: { approvalId: asked.data.approvalId, verdict: 'approve', by: 'x' },
    };
  },
  'a renewal beyond what the lease allows': (play, n) => {
    const { grant, node } = renewable(play, n);
    return {
      ...grant,
      type: 'GrantRenewed',
      data: { from: rfc3339(node.expiresAt), until: '2027-01-01T00:00:00.000Z' },
    };
  },
  'a renewal of a lease that cannot be renewed': (play) => {
    const node = [...play.log.state.grants.values()].find(
      (each) => each.status === 'active' && each.limits.time.renewUntil === undefined,
    );
    const grant = play.of('GrantIssued').find((each) => each.grantId === node?.id);
    fc.pre(node !== undefined && grant !== undefined);
    const until = rfc3339((node?.expiresAt ?? 0) + 1);
    return { ...(grant as Event), type: 'GrantRenewed', data: { from: rfc3339(node?.expiresAt ?? 0), until } };
  },
  'a renewal that does not follow the end of the lease': (play, n) => {
    const { grant, node } = renewable(play, n);
    const until = rfc3339(node.expiresAt + 1);
    return { ...grant, type: 'GrantRenewed', data: { from: rfc3339(node.expiresAt - 1), until } };
  },
  'a renewal of a grant that has ended': (play) => {
    const dead = ended(play);
    const grant = play.of('GrantIssued').find((each) => each.grantId === dead.grantId) as Event;
    const from = rfc3339(play.log.state.grants.get(dead.grantId)?.expiresAt ?? 0);
    return { ...grant, type: 'GrantRenewed', data: { from, until: '2027-01-01T00:00:00.000Z' } };
  },
  'a narrowing that makes a lease last longer': (play, n) => {
    const { grant, node } = renewable(play, n);
    const time = { ...node.limits.time, expiresAt: rfc3339(node.expiresAt + 1) };
    return { ...grant, type: 'GrantNarrowed', data: { limits: { ...node.limits, time }, reason: { code: 'X' } } };
  },
  'a narrowing of a grant that has ended': (play) => {
    const dead = ended(play);
    const grant = play.of('GrantIssued').find((each) => each.grantId === dead.grantId) as Event;
    const { limits } = play.log.state.grants.get(dead.grantId) ?? {};
    return { ...grant, type: 'GrantNarrowed', data: { limits, reason: { code: 'X' } } };
  },
  'a permit that ends a lease outside its chain': (play, n) => {
    const permit = real(play, 'ActionPermitted', n);
    const ends = [
      other(
        play.ids('grant').filter((id) => play.runOf(id) !== permit.runId),
        permit.grantId,
      ),
    ];
    fc.pre(play.log.state.grants.get(permit.grantId ?? '')?.parentId === undefined);
    return { ...of(permit, { approvalId: undefined, ends }), actionId: fresh(n) };
  },
  'a second answer': (play, n) => of(real(play, 'ApprovalGiven', n), { verdict: 'approve' }),
};

/** Returns a live lease that can be renewed. */
function renewable(play: Play, n: number) {
  const { grants, lastTime } = play.log.state;
  const all = [...grants.values()].filter(
    ({ status, expiresAt, limits }) =>
      status === 'active' && lastTime < expiresAt && limits.time.renewUntil !== undefined,
  );
  fc.pre(all.length > 0);
  const node = all[n % all.length] as (typeof all)[number];
  return { node, grant: play.of('GrantIssued').find((each) => each.grantId === node.id) as Event };
}

/** Returns a delegated run and its lease as if not yet issued, under another run's id. */
function childless(play: Play, n: number) {
  const grants = play
    .of('GrantIssued')
    .filter((grant) => grant.data.parentId !== undefined && grant.data.supersedes === undefined)
    .filter(({ treeId }) => play.log.state.trees.has(treeId ?? '')); // not forgotten
  fc.pre(grants.length > 0);
  const grant = grants[n % grants.length] as EventOf<'GrantIssued'>;
  const run = play.of('RunOpened').find((each) => each.runId === grant.runId) as EventOf<'RunOpened'>;
  return { grant, run, parentId: grant.data.parentId };
}
function orphan(play: Play, n: number, data: Partial<EventOf<'GrantIssued'>['data']>): Forged {
  const { grant, run } = childless(play, n);
  const runId = deriveId('run', 0, 'forged');
  evolve(play.log.state, { ...run, runId, position: play.log.state.next, time: rfc3339(play.log.state.lastTime) });
  return { ...of(grant, data), runId, grantId: deriveId('grant', 0, 'forged') };
}
function superseded(play: Play, n: number, by: (grantId: string) => string): Forged {
  const grant = real(play, 'GrantIssued', n);
  return {
    ...grant,
    type: 'GrantSuperseded',
    data: { by: by(grant.grantId as string), approvalId: deriveId('approval', 0, 'x') },
  };
}
function outcome(play: Play, n: number, USD = 0): Forged & { runId?: unknown } {
  const open = [...play.log.state.actions.values()];
  fc.pre(open.length > 0);
  const action = open[n % open.length] as (typeof open)[number];
  const permit = play.of('ActionPermitted').find((each) => each.actionId === action.id) as Event;
  return { ...permit, type: 'ActionCompleted', data: { charge: { ...action.charge, cost: { USD } }, cost: { USD } } };
}

const stories = fc.sample(moves(60), { numRuns: 40, seed: 20260111 }).map((all) => new Play().play(all));

describe('I11: folding a log throws', () => {
  it.each(Object.entries(THROWS))('for %s', (_, forge) => {
    const property = fc.property(fc.constantFrom(...stories), fc.nat(40), (story, n) => {
      const play = story.copy();
      const { place, ...forged } = forge(play, n);
      const { next, lastTime } = play.log.state;
      const event = { ...forged, position: next, time: rfc3339(lastTime), ...place } as Event;
      expect(() => evolve(play.log.state, event)).toThrow(CorruptLog);
    });
    fc.assert(property, { numRuns: 20 });
  });
});
