import { signCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { makeCosigner, witnessKey } from '@bailiwick/transparency-log/cosignature';
import { addSignatures, makeSigner, parseVerifierKey, verifierKey } from '@bailiwick/transparency-log/note';
import { parseProof, proofText } from '@bailiwick/transparency-log/proof';
import { submissionText } from '@bailiwick/transparency-log/submission';
import { grown, someEntries } from '@bailiwick/transparency-log/testing/naive-tree';
import { seededKey, valueOf } from '@bailiwick/transparency-log/testing/keys';
import { consistencyProof, inclusionProof, rootHash } from '@bailiwick/transparency-log/merkle-tree';
import { continues, headIn, included } from './stranger';

/**
 * Verifies the log with independent implementations: the checkpoint and inclusion verifier of `@sigstore/verify` (made
 * for Rekor), the consistency verifier of `@transmute/rfc9162`, and one written from the specifications alone.
 */

interface Sigstore {
  verifyCheckpoint(entry: unknown, logs: unknown[]): { origin: string; logSize: bigint; logHash: Buffer };
  verifyMerkleInclusion(entry: unknown, checkpoint: unknown): void;
}
interface Rfc9162 {
  verify_consistency_proof(first: Uint8Array, second: Uint8Array, proof: unknown): Promise<boolean>;
}
// internal modules of the package, which its verifier uses
const sigstore: Sigstore = {
  ...jest.requireActual<Pick<Sigstore, 'verifyCheckpoint'>>('@sigstore/verify/dist/tlog/checkpoint'),
  ...jest.requireActual<Pick<Sigstore, 'verifyMerkleInclusion'>>('@sigstore/verify/dist/tlog/merkle'),
};
const { RFC9162_SHA256: RFC9162 } = jest.requireActual<{ CoMETRE: { RFC9162_SHA256: Rfc9162 } }>(
  '@transmute/rfc9162',
).CoMETRE;

const NAME = 'bailiwick.test/default/0';
const KEY = seededKey(3);
const VKEY = verifierKey(NAME, KEY);
const WITNESS = seededKey(4);
const SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 16, 21, 64, 65, 100];
const entries = someEntries(100);
const { read } = grown(entries);

const head = (size: number): string =>
  signCheckpoint({ origin: NAME, size: BigInt(size), root: rootHash(size, read) }, [makeSigner(NAME, KEY)]);
const proof = (index: number, size: number): string => proofText(index, inclusionProof(index, size, read), head(size));
const flipped = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte)));
const swapped = (text: string): string => text.replace(`\n\n${NAME}\n`, '\n\nbailiwick.test/default/1\n');

describe('the verifier of sigstore', () => {
  const { keyId, publicKey } = valueOf(parseVerifierKey(VKEY));
  const logs = [{ logID: keyId, baseURL: `https://${NAME}`, publicKey }];
  const entry = (text: string, body: Buffer): unknown => {
    const { index, hashes, signedCheckpoint } = valueOf(parseProof(text));
    return {
      canonicalizedBody: body,
      inclusionProof: { logIndex: String(index), hashes, checkpoint: { envelope: signedCheckpoint } },
    };
  };
  const accepts = (text: string, body: Buffer): bigint => {
    const checkpoint = sigstore.verifyCheckpoint(entry(text, body), logs);
    sigstore.verifyMerkleInclusion(entry(text, body), checkpoint);
    return checkpoint.logSize;
  };

  it('accepts every checkpoint and inclusion proof, and no other entry or root', () => {
    for (const size of SIZES) {
      for (let index = 0; index < size; index++) {
        expect(accepts(proof(index, size), entries[index]!)).toBe(BigInt(size));
        expect(() => accepts(proof(index, size), flipped(entries[index]!))).toThrow();
      }
      expect(() => accepts(swapped(proof(0, size)), entries[0]!)).toThrow('invalid checkpoint signature');
    }
  });
});

describe('the verifier of @transmute/rfc9162', () => {
  it('accepts every consistency proof, and no other root', async () => {
    for (const first of SIZES)
      for (const second of SIZES.filter((size) => size > first)) {
        const [old, later] = [rootHash(first, read), rootHash(second, read)];
        const path = consistencyProof(first, second, read);
        // the caller must do step 2 of RFC 9162 §2.1.4.2
        const isPower = (first & (first - 1)) === 0;
        const submitted = {
          tree_size_1: first,
          tree_size_2: second,
          consistency_path: isPower ? [old, ...path] : path,
        };
        expect(await RFC9162.verify_consistency_proof(old, later, submitted)).toBe(true);
        expect(await RFC9162.verify_consistency_proof(old, flipped(later), submitted)).toBe(false);
      }
  });
});

describe('a verifier written from the specifications alone', () => {
  it('accepts every inclusion proof and no other entry', () => {
    for (const size of SIZES)
      for (let index = 0; index < size; index++) {
        expect(included(proof(index, size), entries[index]!, VKEY).index).toBe(BigInt(index));
        expect(() => included(proof(index, size), flipped(entries[index]!), VKEY)).toThrow('another root');
      }
    expect(() => included(swapped(proof(3, 8)), entries[3]!, VKEY)).toThrow();
  });

  it('accepts every consistency proof between two checkpoints, and no other history', () => {
    for (const first of SIZES)
      for (const second of SIZES.filter((size) => size >= first)) {
        const text = submissionText(first, consistencyProof(first, second, read), head(second));
        const earlier = headIn(head(first), VKEY);
        expect(continues(text, earlier, VKEY).size).toBe(BigInt(second));
        expect(() => continues(text, { ...earlier, root: flipped(earlier.root) }, VKEY)).toThrow();
      }
  });

  it('accepts a cosignature', () => {
    const cosigner = makeCosigner('witness.test/w1', WITNESS, 1_700_000_000);
    const text = head(21).slice(0, head(21).indexOf('\n\n') + 1);
    const note = addSignatures(head(21), [{ ...cosigner, signature: cosigner.sign(text) }]);
    expect(headIn(note, witnessKey('witness.test/w1', WITNESS)).size).toBe(21n);
    expect(headIn(note, VKEY).size).toBe(21n);
    expect(() => headIn(note.replace('\n21\n', '\n22\n'), witnessKey('witness.test/w1', WITNESS))).toThrow('not valid');
  });
});
