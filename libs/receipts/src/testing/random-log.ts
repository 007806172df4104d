import fc from 'fast-check';
import { NO_ARGS, REF, ROOMY } from '@bailiwick/authority/testing/harness';
import type { CommandType } from '@bailiwick/contracts/commands/command';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import type { Fields } from '@bailiwick/authority/testing/harness';
import { ANN, SealedLog, words } from './sealed-log';

/** One operation on a log; the numbers select among existing objects. */
export interface Move {
  readonly kind: (typeof KINDS)[number];
  readonly which: number;
  readonly how: number;
  readonly ms: number;
}
const KINDS = [
  'open',
  'ask',
  'delegate',
  'delegate',
  'act',
  'act',
  'act',
  'act',
  'settle',
  'settle',
  'approve',
  'approve',
  'deny',
  'escalate',
  'suspend',
  'resume',
  'revoke',
  'strike',
  'complete',
  'drift',
  'budget',
  'wait',
] as const;
const VERBS = ['file.read', 'file.write', 'email.send', 'thing.delete', 'iam.grant', 'report.make'];
const CLASSES = ['worker', 'helper', 'reader'];

/** Generates an initial tree followed by random moves. */
export const moves = (most: number): fc.Arbitrary<Move[]> => {
  const move = fc.record({
    kind: fc.constantFrom(...KINDS),
    which: fc.nat(1_000),
    how: fc.nat(1_000),
    ms: fc.nat(120_000),
  });
  const initial: Move[] = [
    { kind: 'open', which: 0, how: 7, ms: 0 },
    { kind: 'delegate', which: 0, how: 5, ms: 0 },
  ];
  return fc.array(move, { minLength: 10, maxLength: most, size: 'max' }).map((all) => [...initial, ...all]);
};

const pick = <T>(list: readonly T[], which: number): T | undefined => list[which % list.length];

/** Plays a move as far as the rules allow it, after processing deadlines as the owner does. */
export function play(log: SealedLog, { kind, which, how, ms }: Move): void {
  log.now += ms;
  log.tickAll();
  const { state } = log;
  const grantId = pick([...state.grants.keys()], which) ?? '';
  const runId = pick([...state.runs.keys()], which) ?? '';
  const agentClass = pick(CLASSES, how) as string;
  const send = <T extends CommandType>(type: T, fields: Fields<T>): void => void log.try(type, fields);
  const budget = {
    ...{
      calls: 3 + (how % 20),
      reads: 20,
      writes: 20,
      external: 5,
      cost: { USD: 50 + how },
      units: { tokens: 20 + how },
    },
    ...(how % 4 === 0 ? { windows: [{ per: 'day', timezone: 'Asia/Kathmandu', calls: 6 }] } : {}),
    ...(how % 5 === 0 ? { perVerb: [{ actions: ['file.*'], calls: 4 }] } : {}),
    ...(how % 11 === 0 ? { askAt: 0.7 } : {}),
  };
  switch (kind) {
    case 'open':
    case 'ask':
      log.open(
        { ...ROOMY, budget, time: { ttl: how % 3 ? '1h' : '5m' } },
        { requireApproval: kind === 'ask', agent: { class: agentClass } },
      );
      return;
    case 'delegate':
      return send('delegate', {
        grantId,
        agent: { class: agentClass },
        purposeRef: `ref_${String(how % 2).repeat(26)}`,
        grant: {
          budget: { calls: 1 + (how % 9) },
          delegation: how % 2 ? { depth: 1, children: 2, classes: ['*'] } : {},
        },
        payload: words({ task: `task ${how}` }),
      });
    case 'act': {
      const approved = [...state.approvals.values()].filter(
        ({ kind: of, status }) => of === 'action' && status === 'approved',
      )[0];
      if (approved && how % 2) return repeat(log, approved.binding, approved.id);
      const verb = pick(VERBS, how) as string;
      return send('authorize', {
        grantId,
        action: { verb, argsDigest: NO_ARGS },
        resource: { type: 'file', id: `f/${how % 4}` },
        cost: how % 3 ? { USD: how % 40 } : {},
        ...(how % 4 === 0 ? { units: { tokens: how % 9 } } : {}),
        proof: { vouched: true },
        payload: words({ args: { how } }),
      });
    }
    case 'settle':
      return send('settle', {
        actionId: pick([...state.actions.keys()], which) ?? 'act_0_none',
        outcome: {
          status: how % 4 ? 'completed' : 'failed',
          ...(how % 5 ? {} : { cost: { USD: how % 60 } }),
          effects: { filesChanged: [`f/${how % 3}`] },
        },
        payload: words({ preview: 'ok' }),
      });
    case 'approve':
    case 'deny': {
      const pending = [...state.approvals.values()].filter(({ status }) => status === 'pending').map(({ id }) => id);
      return send('decideApproval', {
        approvalId: pick(pending, which) ?? 'apr_0_none',
        verdict: kind,
        actor: ANN,
        payload: words({ note: kind }),
      });
    }
    case 'escalate':
      return send('escalate', {
        runId,
        want: { budget: { calls: 30 + (how % 30) } },
        payload: words({ reason: 'more' }),
      });
    case 'suspend':
    case 'resume':
      return send(kind, { grantId, reasonCode: 'LOOK', actor: ANN, payload: words({ note: kind }) });
    case 'revoke':
      if (how % 3 === 0) send('revokeGrant', { grantId, actor: ANN, payload: words({ note: 'enough' }) });
      return;
    case 'strike':
      if (how % 3 === 0)
        log.strike(
          pick<StoredSelector>(
            [
              { agentClass },
              { purposeRef: `ref_${'1'.repeat(26)}` },
              { agentClass, tool: 'file.read' },
              { treeId: pick([...state.trees.keys()], which) ?? '' },
            ],
            which,
          ) as StoredSelector,
          how % 2 === 0 ? 'tool' : 'leases',
        );
      return;
    case 'complete':
      return send('completeRun', { runId, actor: { kind: 'run', id: runId } });
    case 'drift':
      return send('recordDrift', {
        runId,
        score: (how % 100) / 100,
        features: [],
        monitor: 'test',
        actor: { kind: 'system', id: 'intent' },
      });
    case 'budget': {
      const name = how % 2 ? 'team' : 'mail';
      if (how % 5 === 0) return send('removeTenantBudget', { name, actor: ANN });
      const caps = { calls: 5 + (how % 40), cost: { USD: 20 + how }, windows: [{ per: '1m', calls: 3 }] };
      const selector = how % 3 ? { agentClass } : how % 2 ? { principalRef: REF } : { label: 'send:external' };
      return send('setTenantBudget', {
        name,
        selector,
        budget: caps,
        actor: ANN,
        ...('principalRef' in selector ? { payload: words({ principal: 'ann@example.com' }) } : {}),
      });
    }
    case 'wait':
      log.now += how * 1_000;
      log.tickAll();
  }
}

/** Repeats the call that an approval was requested for. */
function repeat(log: SealedLog, binding: string, approvalId: string): void {
  const asked = log.events.find((event) => event.type === 'ActionStepUp' && event.data.binding === binding);
  if (asked?.type !== 'ActionStepUp') return;
  const { verb, argsDigest, resource, charge } = asked.data;
  log.try('authorize', {
    grantId: asked.grantId as string,
    action: { verb, argsDigest },
    resource: { type: resource.type, id: resource.id },
    cost: charge.cost,
    ...(charge.units ? { units: charge.units } : {}),
    proof: { vouched: true },
    approvalId,
  });
}
