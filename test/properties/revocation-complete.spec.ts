import fc from 'fast-check';
import { preview } from '@bailiwick/authority/revocation/blast-radius';
import { deriveId } from '@bailiwick/core/derive-id';
import { at, moves, PERSON, selector } from './moves';
import { opened, selects, Tally } from './naive';
import { Play } from './play';
import { sent } from './asked-for';

/**
 * Fails if an approval is not matched against the rules; if a raised or approved lease counts as younger than its run;
 * if the preview omits pending requests.
 */
fc.configureGlobal({ seed: 20260108 });

const waiting = moves(40, ['open', 'open', 'open', 'delegate', 'act', 'act', 'escalate', 'answer', 'wait']);
const after = moves(40, [
  'answer',
  'answer',
  'answer',
  'act',
  'act',
  'try again',
  'escalate',
  'delegate',
  'lift',
  'resume',
]);

describe('I6: a revocation by selector is complete over everything that could act later', () => {
  it('a matched run gets no further permit, whatever approvals were pending; only a new run can act', () => {
    const tally = new Tally();
    const property = fc.property(waiting, selector, fc.boolean(), after, (before, chosen, quarantine, later) => {
      const play = new Play().play(before);
      const { log } = play;
      const { tree, before: age, tool: _, ...same } = chosen;
      const selected = sent({ ...same, treeId: tree && play.id('tree', tree), issuedBefore: at(log.now, age) });
      if (Object.keys(selected).length === 0) return;
      if (selected.treeId !== undefined && !selected.treeId.startsWith('tre_')) return;
      const { counts } = preview(log.state, { selector: selected }, log.now);
      const revocationId = deriveId('revocation', 0, 'the one');
      const pending = [...log.state.waiting.since(0)].filter(
        ({ kind, expiresAt, runId }) => kind === 'grant' && expiresAt > log.now && matched(runId),
      );
      function matched(runId: string | undefined): boolean {
        const run = opened(log.events, runId);
        const { issuedBefore, ...parts } = selected;
        if (!run || !selects(parts, { ...run.data, treeId: run.treeId ?? '', limits: undefined as never }))
          return false;
        return issuedBefore === undefined || Date.parse(run.time) < Date.parse(issuedBefore);
      }
      // a run that an earlier rule revoked is not counted again
      if (play.ids('revocation').length === 0) expect(counts.pendingRuns).toBe(pending.length);
      const struck = new Set(play.ids('run').filter(matched));
      log.do('revokeSelector', { revocationId, selector: selected, quarantine, force: true, actor: PERSON });
      const from = log.events.length;
      play.play(later);
      const runs = new Map(log.events.flatMap((e) => (e.type === 'RunOpened' ? [[e.runId, e.data.parentRunId]] : [])));
      const isBelow = (id: string | undefined): boolean =>
        id !== undefined && (struck.has(id) || isBelow(runs.get(id)));
      for (const event of log.events.slice(from)) {
        if (event.type === 'ActionPermitted' || event.type === 'GrantIssued') {
          expect(isBelow(event.runId)).toBe(false);
          tally.add('allowed elsewhere');
        }
        if (event.type === 'Refused' && event.data.command === 'decideApproval' && isBelow(event.runId))
          tally.add('refused approval');
      }
      tally.add(pending.length > 0 ? 'with requests' : 'without');
    });
    fc.assert(property, { numRuns: 250 });
    tally.atLeast(20, 'allowed elsewhere', 'refused approval', 'with requests');
  });
});
