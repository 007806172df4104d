import type { ExportHeader } from '@bailiwick/contracts/transfer/export';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { KEY, NAME, VKEY } from '@bailiwick/receipts/testing/sealed-log';
import { signCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { makeSigner, verifierKey } from '@bailiwick/transparency-log/note';
import { entryHash } from '@bailiwick/transparency-log/hash';
import { naiveRoot } from '@bailiwick/transparency-log/testing/naive-tree';
import { seededKey } from '@bailiwick/transparency-log/testing/keys';
import type { ImportKeys } from '@bailiwick/platform/keys/import-keys';
import { ImportsService } from './imports.service';

const OTHER = seededKey(12);
const FENCE = { owner: 'me', epoch: 1 };

function headerBy(key = KEY, vkey = VKEY): ExportHeader {
  const root = naiveRoot(
    busyRun()
      .log.stored()
      .map(({ body }) => entryHash(body)),
  );
  const size = busyRun().log.events.length;
  const checkpoint = signCheckpoint({ origin: NAME, size: BigInt(size), root }, [makeSigner(NAME, key)]);
  return {
    bailiwick: 'export',
    version: 1,
    tenant: 'default',
    made: '2026-01-01T00:00:00Z',
    pseudonyms: `sha256:${'0'.repeat(64)}`,
    logs: [{ log: 'default/0', size, root: root.toString('base64'), checkpoint, vkey }],
  };
}

/** Starts an import with an empty store, and records what the service stores. */
async function start(pinned: () => ImportKeys, header: ExportHeader, live?: boolean) {
  const started: unknown[] = [];
  const store = {
    started: () => Promise.resolve(undefined),
    begin: (...of: unknown[]) => Promise.resolve(void started.push(of)),
    next: () => Promise.resolve({ 'default/0': 0 }),
  };
  const imports = new ImportsService(store as never, { head: () => Promise.resolve(0) }, { databaseUrl: '' }, pinned, {
    warn: () => undefined,
  });
  const step = { kind: 'begin', header, ...(live === undefined ? {} : { live }) };
  const answer = await imports.step({ op: 'import', log: 'default/0', step }, FENCE, () => undefined);
  return { answer, started };
}

describe('ImportsService', () => {
  const header = headerBy();
  const own = verifierKey(NAME, OTHER);

  it.each<[string, () => ImportKeys, ExportHeader, boolean | undefined]>([
    ['no key is pinned', () => [], header, undefined],
    ['another key of the same name is pinned', () => [{ vkey: own, continue: true }], header, undefined],
    [
      'the export is signed by another key that it names',
      () => [{ vkey: VKEY, continue: true }],
      headerBy(OTHER, own),
      undefined,
    ],
    [
      'the pinned keys cannot be read',
      () => {
        throw new Error('no JSON');
      },
      header,
      undefined,
    ],
    ['it should stay live but its key is pinned for history', () => [{ vkey: VKEY, continue: false }], header, true],
  ])('refuses an import if %s, and stores nothing', async (_what, pinned, of, live) => {
    const { answer, started } = await start(pinned, of, live);
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'CONFLICT' } });
    expect(started).toEqual([]);
  });

  it.each([
    [false, undefined, false],
    [true, false, false],
    [true, true, true],
  ])('accepts an import whose key is pinned (continue: %s) with live: %s', async (mayContinue, live, kept) => {
    const { answer, started } = await start(() => [{ vkey: `${VKEY}\n`, continue: mayContinue }], header, live);
    expect(answer).toMatchObject({ ok: true, value: { state: 'receiving' } });
    expect(started).toEqual([[header, kept]]);
  });
});
