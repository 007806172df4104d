import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { KEY, NAME, VKEY } from '@bailiwick/receipts/testing/sealed-log';
import { signCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { entryHash } from '@bailiwick/transparency-log/hash';
import { makeSigner } from '@bailiwick/transparency-log/note';
import { naiveRoot } from '@bailiwick/transparency-log/testing/naive-tree';
import { bailiwick } from '../support/cli';

const dir = mkdtempSync(join(tmpdir(), 'bailiwick-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const events = busyRun().log.stored();
const root = naiveRoot(events.map(({ body }) => entryHash(body)));
const file = (name: string, content: string): string => {
  writeFileSync(join(dir, name), content);
  return join(dir, name);
};
const exported = (name: string, all: readonly object[]): string =>
  file(name, all.map((event) => `${JSON.stringify(event)}\n`).join(''));
const checkpoint = file(
  'head.txt',
  signCheckpoint({ origin: NAME, size: BigInt(events.length), root }, [makeSigner(NAME, KEY)]),
);

describe('`log verify` of exported events, without a running system', () => {
  it('accepts the events that the checkpoint covers, and reports the first wrong position otherwise', async () => {
    const right = await bailiwick([
      'log',
      'verify',
      '--events',
      exported('a', events),
      '--checkpoint',
      checkpoint,
      '--vkey',
      VKEY,
    ]);
    expect([right.code, right.out]).toEqual([0, expect.stringContaining('the log verifies')]);
    const changed = events.map((each, i) => (i === 5 ? { ...each, body: `${each.body} ` } : each));
    const wrong = await bailiwick([
      '--json',
      'log',
      'verify',
      '--events',
      exported('b', changed),
      '--checkpoint',
      checkpoint,
      '--vkey',
      VKEY,
    ]);
    expect(wrong.code).toBe(1);
    expect(JSON.parse(wrong.out)).toMatchObject({ ok: false, first: { check: 'checkpoint' } });
    const dropped = events.filter((_, i) => i !== 7);
    const less = await bailiwick(['log', 'verify', '--events', exported('c', dropped)]);
    expect([less.code, less.out]).toEqual([1, expect.stringContaining('position 7: ')]);
  });

  it('reports bad usage with exit code 2', async () => {
    const nowhere = await bailiwick(['log', 'verify', '--events', join(dir, 'nothing')]);
    expect(nowhere.code).toBe(2);
    const keyless = await bailiwick(['log', 'verify', '--events', exported('d', events), '--checkpoint', checkpoint]);
    expect([keyless.code, keyless.err]).toEqual([2, expect.stringContaining('--vkey')]);
  });
});
