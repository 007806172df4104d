import fc from 'fast-check';
import { prover, VKEY } from '../testing/sealed-log';
import { Inclusion } from './inclusion';
import { readLogKeys } from './note';
import { PURE_CRYPTO } from './pure-crypto';

fc.configureGlobal({ seed: 20260412 });

const SIZE = 23; // has nodes without a sibling on its right edge
const bodiesOf = (size: number): string[] => Array.from({ length: size }, (_, i) => `event ${i}`);
const bodies = bodiesOf(SIZE);
const prove = prover(bodies);
const fresh = (): Inclusion => new Inclusion(PURE_CRYPTO, readLogKeys(PURE_CRYPTO, VKEY), []);
const verify = (inclusion: Inclusion, at: number, proof = prove(at), body = bodies[at] as string): void =>
  inclusion.verify(body, at, proof);

/** Replaces the hash lines of a proof. */
function withHashes(at: number, change: (hashes: string[]) => string[]): string {
  const proof = prove(at);
  const end = proof.indexOf('\n\n');
  const [head, index, ...hashes] = proof.slice(0, end).split('\n');
  return [head, index, ...change(hashes)].join('\n') + proof.slice(end);
}

/** Ways to forge a path; each must be detected at every line. */
const FORGERIES: Record<string, (hashes: string[], line: number) => string[]> = {
  'another hash': (hashes, line) => hashes.with(line, Buffer.alloc(32, 7).toString('base64')),
  'another spelling of a hash': (hashes, line) => hashes.with(line, reencoded(hashes[line] as string)),
  'one hash less': (hashes, line) => hashes.toSpliced(line, 1),
  'one hash more': (hashes, line) => hashes.toSpliced(line, 0, hashes[line] as string),
  'one more at the end': (hashes) => [...hashes, hashes[hashes.length - 1] as string],
  'less than a hash more at the end': (hashes) => [...hashes, 'AAAA'],
  'all from here on left out': (hashes, line) => hashes.slice(0, line),
  'an empty line': (hashes, line) => hashes.toSpliced(line, 0, ''),
  'another end of a line': (hashes, line) =>
    hashes.toSpliced(line, 2, hashes.slice(line, line + 2).join(' ') + (line + 1 < hashes.length ? '' : ' ')),
};
/** Encodes the same 32 bytes differently, through the unused bits of the last character. */
const reencoded = (hash: string): string => {
  const last = hash.charCodeAt(42);
  return `${hash.slice(0, 42)}${String.fromCharCode(last + 1)}=`;
};

describe('proofs of one tree', () => {
  it('verify in any order, in trees of any size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 70 }).chain((size) => fc.tuple(fc.constant(size), fc.array(fc.nat(size - 1)))),
        ([size, order]) => {
          const [all, proofOf, inclusion] = [bodiesOf(size), prover(bodiesOf(size)), fresh()];
          for (const at of order) inclusion.verify(all[at] as string, at, proofOf(at));
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each(Object.entries(FORGERIES))('are refused with %s, regardless of earlier proofs', (_, forge) => {
    for (let before = 0; before < SIZE; before++) {
      for (const at of new Set([before, before ^ 1, (before + 2) % SIZE, (before + 9) % SIZE])) {
        if (at >= SIZE) continue;
        const inclusion = fresh();
        verify(inclusion, before);
        const lines = prove(at).slice(0, prove(at).indexOf('\n\n')).split('\n').length - 2;
        for (let line = 0; line < lines; line++) {
          const forged = withHashes(at, (hashes) => forge(hashes, line));
          expect(() => verify(inclusion, at, forged)).toThrow();
        }
        verify(inclusion, at);
      }
    }
  });

  it('are refused for another body or position, and for a tree of another size or with other events', () => {
    const inclusion = fresh();
    for (let at = 0; at < SIZE; at++) verify(inclusion, at);
    for (let at = 0; at < SIZE; at++) {
      const other = (at + 1) % SIZE;
      expect(() => verify(inclusion, at, prove(at), bodies[other])).toThrow(/another root|too (short|long)/);
      expect(() => verify(inclusion, at, prove(other))).toThrow('its proof is for leaf');
      expect(() => verify(inclusion, at, prove(other).replace(/index \d+/, `index ${at}`))).toThrow();
    }
    expect(() => verify(inclusion, SIZE, prove(0).replace('index 0', `index ${SIZE}`), 'event 0')).toThrow('beyond');
    for (const tree of [bodiesOf(SIZE + 1), bodiesOf(SIZE - 1), bodies.with(SIZE - 1, 'a fork')])
      expect(() => verify(inclusion, 3, prover(tree)(3))).toThrow('a different tree than the proofs before it');
  });

  it('have no effect on later proofs if they were refused', () => {
    for (let line = 0; line < 4; line++) {
      const inclusion = fresh();
      const forged = withHashes(6, (hashes) => hashes.with(line, Buffer.alloc(32, 7).toString('base64')));
      expect(() => verify(inclusion, 6, forged)).toThrow('another root');
      for (let at = 0; at < SIZE; at++) verify(inclusion, at);
    }
  });
});
