import fc from 'fast-check';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { moves, type Move } from './moves';
import { chain, opened, Tally } from './naive';
import { Play } from './play';

fc.configureGlobal({ seed: 20261129 });

const ENDS: readonly Event['type'][] = ['GrantRevoked', 'GrantExpired', 'GrantExhausted', 'RunCompleted'];

/** Returns the children of a run that have not ended, from the events alone. */
function liveBelow(events: readonly Event[], runId: string): string[] {
  const children = events.filter((each): each is EventOf<'RunOpened'> => each.type === 'RunOpened');
  return children.flatMap(({ runId: id, data }) => {
    if (data.parentRunId !== runId) return [];
    const refused = events.some(
      (each) =>
        each.runId === id &&
        (each.type === 'ApprovalExpired' || (each.type === 'ApprovalGiven' && each.data.verdict === 'deny')) &&
        !events.some((issue) => issue.type === 'GrantIssued' && issue.runId === id),
    );
    const over = refused || events.some((each) => each.runId === id && ENDS.includes(each.type));
    return over ? [] : [id as string];
  });
}

/** Adds a limit of children at a time to every lease that may delegate. */
const limited = (all: readonly Move[], concurrent: number): Move[] =>
  all.map((move) => {
    if (move.do === 'open') return { ...move, grant: withLimit(move.grant, concurrent) };
    return move.do === 'delegate' ? { ...move, request: withLimit(move.request, concurrent) } : move;
  });
const withLimit = (request: GrantRequest, concurrent: number): GrantRequest =>
  request.delegation ? { ...request, delegation: { ...request.delegation, children: 20, concurrent } } : request;

const only = moves(80, ['delegate', 'delegate', 'delegate', 'revoke', 'complete', 'wait', 'act', 'escalate', 'answer']);

it('no more children of a lease live at one time than it allows, whatever clients try', () => {
  const tally = new Tally();
  const property = fc.property(only, fc.integer({ min: 1, max: 3 }), (all, most) => {
    const { log } = new Play().play(limited(all, most));
    log.events.forEach((event, i) => {
      if (event.type === 'DelegationRefused')
        for (const { code } of event.data.reasons) if (code === 'DELEGATION_CONCURRENT') tally.add(code);
      if (event.type !== 'RunOpened' || event.data.parentRunId === undefined) return;
      const before = log.events.slice(0, i);
      const lease = before.findLast(
        (each): each is EventOf<'GrantIssued'> => each.type === 'GrantIssued' && each.runId === event.data.parentRunId,
      );
      const { concurrent } = chain(before, lease?.grantId as string)[0]?.data.limits.delegation ?? {};
      if (concurrent === undefined) return;
      const live = liveBelow(before, event.data.parentRunId);
      if (live.length >= concurrent) throw new Error(`${event.runId} is one more than ${concurrent}`);
      tally.add('issued within the limit');
      if (
        before.some(
          (each) => ENDS.includes(each.type) && opened(before, each.runId)?.data.parentRunId === event.data.parentRunId,
        )
      )
        tally.add('issued after another ended');
    });
    for (const run of log.state.runs.values())
      expect([run.id, log.state.openChildren.of(run.id)]).toEqual([run.id, liveBelow(log.events, run.id).length]);
  });
  fc.assert(property, { numRuns: 80 });
  tally.atLeast(5, 'DELEGATION_CONCURRENT', 'issued within the limit', 'issued after another ended');
}, 60_000);
