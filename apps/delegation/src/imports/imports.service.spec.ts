import type { ExportHeader } from '@bailiwick/contracts/export';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { KEY, NAME, VKEY } from '@bailiwick/receipts/testing/sealed-log';
import { signCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { makeSigner, verifierKey } from '@bailiwick/transparency-log/note';
import { entryHash } from '@bailiwick/transparency-log/hash';
import { naiveRoot } from '@bailiwick/transparency-log/testing/naive-tree';
import { seededKey } from '@bailiwick/transparency-log/testing/keys';
import type { ImportKeys } from '@bailiwick/platform/import-keys';
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

/** One step against a store that holds what was begun, and nothing else. */
async function begin(pinned: () => ImportKeys, header: ExportHeader, live?: boolean) {
  const begun: unknown[] = [];
  const store = {
    started: () => Promise.resolve(undefined),
    begin: (...of: unknown[]) => Promise.resolve(void begun.push(of)),
    next: () => Promise.resolve({ 'default/0': 0 }),
  };
  const imports = new ImportsService(store as never, { head: () => Promise.resolve(0) }, { databaseUrl: '' }, pinned, {
    warn: () => undefined,
  });
  const step = { kind: 'begin', header, ...(live === undefined ? {} : { live }) };
  const answer = await imports.step({ op: 'import', log: 'default/0', step }, FENCE, () => undefined);
  return { answer, begun };
}

describe('the beginning of an import', () => {
  const header = headerBy();
  const own = verifierKey(NAME, OTHER);

  it.each<[string, () => ImportKeys, ExportHeader, boolean | undefined]>([
    ['no key is pinned', () => [], header, undefined],
    ['another key of the same name is pinned', () => [{ vkey: own, continue: true }], header, undefined],
    [
      'the export names a key of its own that signed it',
      () => [{ vkey: VKEY, continue: true }],
      headerBy(OTHER, own),
      undefined,
    ],
    [
      'the pins cannot be read',
      () => {
        throw new Error('no JSON');
      },
      header,
      undefined,
    ],
    ['it wants to stay live, and its key is pinned for history', () => [{ vkey: VKEY, continue: false }], header, true],
  ])('is refused where %s, and nothing is begun', async (_why, pinned, of, live) => {
    const { answer, begun } = await begin(pinned, of, live);
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'CONFLICT' } });
    expect(begun).toEqual([]);
  });

  it.each([
    [false, undefined, false],
    [true, false, false],
    [true, true, true],
  ])('is taken where its key is pinned (continue: %s) and %s is asked for', async (mayContinue, live, kept) => {
    const { answer, begun } = await begin(() => [{ vkey: `${VKEY}\n`, continue: mayContinue }], header, live);
    expect(answer).toMatchObject({ ok: true, value: { state: 'receiving' } });
    expect(begun).toEqual([[header, kept]]);
  });
});
