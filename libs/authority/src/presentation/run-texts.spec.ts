import { SealedLog, words } from '@bailiwick/receipts/testing/sealed-log';
import type { PayloadReader } from './payload-reader';
import { runTexts } from './run-texts';

/** Reads the payloads of the events of a log, except those at these positions. */
const wordsOf = (log: SealedLog, erased: readonly (number | undefined)[] = []): PayloadReader => ({
  at: (_log, positions) =>
    Promise.resolve(
      log
        .stored()
        .filter(({ position }) => positions.includes(position))
        .map((event) => (erased.includes(event.position) ? { ...event, payload: null } : event)),
    ),
  search: () => Promise.resolve([]),
});

describe('runTexts for a chain of three runs', () => {
  const log = new SealedLog();
  const root = log.open();
  const child = log.child(
    root.grantId,
    { delegation: { depth: 2, children: 2, classes: ['*'] } },
    {
      payload: words({ task: 'Count the files', purpose: 'Count' }),
    },
  );
  const last = log.child(child.grantId, {}, { payload: words({ task: 'Count one' }) });
  const ids = [root.runId, child.runId, last.runId];
  const at = (runId: string): number | undefined => log.state.runs.get(runId)?.position;

  it('returns the own purpose or that of the nearest ancestor, the person of the root, and the own task', async () => {
    const texts = await runTexts(wordsOf(log), log.state, ids);
    const asked = { requestedBy: 'ann@example.com', requestedByStatedBy: 'key:test' };
    expect(Object.fromEntries(texts)).toEqual({
      [root.runId]: { purpose: 'Tidy the repository', ...asked },
      [child.runId]: { purpose: 'Count', ...asked, task: 'Count the files' },
      [last.runId]: { purpose: 'Count', ...asked, task: 'Count one' },
    });
  });

  it('returns null for payloads that were erased, and for stored ones that the event does not identify', async () => {
    const texts = await runTexts(wordsOf(log, [at(root.runId), at(child.runId)]), log.state, ids);
    expect(texts.get(last.runId)).toEqual({
      purpose: null,
      requestedBy: null,
      requestedByStatedBy: 'key:test',
      task: 'Count one',
    });
    const forged: PayloadReader = {
      ...wordsOf(log),
      at: async (...of) =>
        (await wordsOf(log).at(...of)).map((event) => ({ ...event, payload: JSON.stringify(words({ purpose: 'x' })) })),
    };
    expect(Object.fromEntries(await runTexts(forged, log.state, [root.runId]))).toEqual({
      [root.runId]: { purpose: null, requestedBy: null, requestedByStatedBy: 'key:test' },
    });
  });
});
