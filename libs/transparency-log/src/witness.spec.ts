import { signCheckpoint } from './checkpoint';
import { makeSigner, parseVerifierKey, verifierKey } from './note';
import { openSubmission, parseSubmission, submissionText, type Held, type KnownLog } from './submission';
import { errorOf, seededKey, valueOf } from './testing/keys';
import { grown, someEntries } from './testing/naive-tree';
import { consistencyProof, rootHash } from './merkle-tree';
import { judge } from './witness';

const NAME = 'log.test/a';
const KEY = seededKey(5);
const { read } = grown(someEntries(40));
const other = grown(someEntries(41).slice(1));
const known: KnownLog = { origin: NAME, keys: [valueOf(parseVerifierKey(verifierKey(NAME, KEY)))] };
const logs = new Map([[NAME, known]]);
const held = (size: number): Held => ({ size: BigInt(size), root: rootHash(size, read) });
const signed = (size: number, name = NAME, key = KEY, from = read): string =>
  signCheckpoint({ origin: name, size: BigInt(size), root: size === 0 ? rootHash(0, from) : rootHash(size, from) }, [
    makeSigner(name, key),
  ]);
const sent = (old: number, size: number, note = signed(size)): string =>
  submissionText(old, old === 0 || old >= size ? [] : consistencyProof(old, size, read), note);

describe('a submission', () => {
  it('has the form of the specification, and round-trips', () => {
    // the example of c2sp.org/tlog-witness
    const text = `old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`;
    const { old, proof, signedCheckpoint } = valueOf(parseSubmission(text));
    expect([old, proof.length, signedCheckpoint.split('\n')[1]]).toEqual([20852014n, 4, '20852163']);
    expect(submissionText(old, proof, signedCheckpoint)).toBe(text);
  });

  it.each([
    ['nothing', ''],
    ['no old size', 'PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\nx\n'],
    ['a zero before the size', `old 01\n\n${signed(3)}`],
    ['a hash too short', `old 1\nPlRN\n\n${signed(3)}`],
    ['64 hashes', `old 1\n${'PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n'.repeat(64)}\n${signed(3)}`],
  ])('is refused with %s', (_what, text) => {
    expect(parseSubmission(text).ok).toBe(false);
    expect(judge(text, logs, () => undefined).status).toBe(400);
  });
});

describe('openSubmission', () => {
  it('accepts a checkpoint that continues the held one, and no other history', () => {
    expect(valueOf(openSubmission(sent(7, 30), known, held(7))).size).toBe(30n);
    expect(valueOf(openSubmission(sent(30, 30), known, held(30))).size).toBe(30n);
    const forged = { size: 7n, root: rootHash(7, other.read) };
    expect(errorOf(openSubmission(sent(7, 30), known, forged))).toContain('history was changed');
    expect(errorOf(openSubmission(sent(8, 30), known, held(7)))).toContain('starts at 8');
    expect(errorOf(openSubmission(sent(0, 30), known, { ...held(7), size: 0n }))).toContain('proves nothing');
    expect(openSubmission(sent(7, 30, signed(30, NAME, seededKey(6))), known, held(7)).ok).toBe(false);
    const elsewhere = { ...known, origin: 'log.test/b' };
    expect(errorOf(openSubmission(sent(7, 30), elsewhere, held(7)))).toContain('not to log.test/b');
  });
});

describe('judge', () => {
  const status = (text: string, at?: Held): number => judge(text, logs, () => at).status;

  it('accepts a checkpoint that continues the held tree, and a first checkpoint', () => {
    expect(judge(sent(0, 5), logs, () => undefined)).toMatchObject({ status: 200, old: 0n, checkpoint: { size: 5n } });
    for (const [from, to] of [
      [1, 2],
      [5, 40],
      [8, 40],
      [40, 40],
    ] as const)
      expect(status(sent(from, to), held(from))).toBe(200);
  });

  it('refuses everything else with the status in the specification', () => {
    expect(status(sent(0, 5, signed(5, 'log.test/b')))).toBe(404);
    expect(status(sent(0, 5, signed(5, NAME, seededKey(6))))).toBe(403);
    expect(status(sent(0, 5, signed(5).replace('\n5\n', '\n6\n')))).toBe(403);
    expect(status(sent(9, 5), held(9))).toBe(400);
    expect(judge(sent(5, 9), logs, () => held(7))).toMatchObject({ status: 409, size: 7n });
    expect(judge(sent(5, 9), logs, () => undefined)).toMatchObject({ status: 409, size: 0n });
    expect(judge(sent(0, 9), logs, () => held(7))).toMatchObject({ status: 409, size: 7n });
    // another history of the same and of a later size
    expect(status(sent(9, 9, signed(9, NAME, KEY, other.read)), held(9))).toBe(409);
    expect(status(sent(5, 9, signed(9, NAME, KEY, other.read)), held(5))).toBe(422);
    expect(status(sent(5, 9).replace(/\n[^\n]+\n\n/, '\n\n'), held(5))).toBe(422);
    const proved = submissionText(0, consistencyProof(3, 9, read), signed(9));
    expect(status(proved)).toBe(422);
  });
});
