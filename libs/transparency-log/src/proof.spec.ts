import * as fc from 'fast-check';
import { signCheckpoint } from './checkpoint';
import { makeCosigner, parseWitnessKey, witnessKey } from './cosignature';
import { leafHash } from './hash';
import { makeSigner, parseVerifierKey, verifierKey } from './note';
import { parseProof, proofText, verifyProof } from './proof';
import { errorOf, seededKey, valueOf } from './testing/keys';
import { grown, someEntries } from './testing/naive-tree';
import { inclusionProof, rootHash } from './merkle-tree';

fc.configureGlobal({ seed: 20260130 });

const ORIGIN = 'bailiwick.example/acme/0';
const log = valueOf(parseVerifierKey(verifierKey(ORIGIN, seededKey(1))));
const signer = makeSigner(ORIGIN, seededKey(1));
const SIZE = 21;
const entries = someEntries(SIZE);
const leaf = (index: number): Buffer => leafHash(entries[index] as Buffer);
const { read } = grown(entries);
const head = signCheckpoint({ origin: ORIGIN, size: BigInt(SIZE), root: rootHash(SIZE, read) }, [signer]);
const proofOf = (index: number, extra?: Buffer): string =>
  proofText(index, inclusionProof(index, SIZE, read), head, extra);

describe('a proof in a file', () => {
  it('has the form of the specification', () => {
    const hash = Buffer.alloc(32, 1);
    const encoded = hash.toString('base64');
    expect(proofText(5, [hash, hash], 'checkpoint\n')).toBe(
      `c2sp.org/tlog-proof@v1\nindex 5\n${encoded}\n${encoded}\n\ncheckpoint\n`,
    );
    expect(proofText(0n, [], 'checkpoint\n', Buffer.from('extra information'))).toBe(
      'c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 0\n\ncheckpoint\n',
    );
  });

  it('from the specification is parsed: extra data, index, hashes and checkpoint', () => {
    const example = `c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=

example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJw==
`;
    const proof = valueOf(parseProof(example));
    expect([proof.index, proof.hashes.length]).toEqual([73894n, 2]);
    expect(proof.signedCheckpoint).toBe(example.slice(example.indexOf('example.com/fancylog')));
    expect(proof.extra?.toString('latin1')).toContain('age-v1.2.1-darwin-arm64.tar.gz');
  });

  it('verifies for every leaf of the tree', () => {
    for (let index = 0; index < SIZE; index += 1) {
      const proved = valueOf(verifyProof(proofOf(index), leaf(index), log));
      expect([proved.index, proved.checkpoint.size, proved.witnessedBy]).toEqual([BigInt(index), BigInt(SIZE), []]);
    }
  });

  it('does not verify after a change of any character (I12)', () => {
    const text = proofOf(13);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 1, max: 94 }), (at, by) => {
        const code = text.charCodeAt(at);
        const other = String.fromCharCode(code < 33 || code > 126 ? 65 : 33 + ((code - 33 + by) % 94));
        fc.pre(other !== text[at]);
        expect(verifyProof(text.slice(0, at) + other + text.slice(at + 1), leaf(13), log).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  it('does not verify for another leaf, index or log, or with a checkpoint of another key', () => {
    expect(verifyProof(proofOf(4), leaf(5), log).ok).toBe(false);
    expect(verifyProof(proofOf(4).replace('index 4', 'index 5'), leaf(4), log).ok).toBe(false);
    const other = valueOf(parseVerifierKey(verifierKey('bailiwick.example/other/0', seededKey(1))));
    expect(errorOf(verifyProof(proofOf(4), leaf(4), other))).toContain('none of the known keys');
    const impostor = signCheckpoint({ origin: ORIGIN, size: BigInt(SIZE), root: rootHash(SIZE, read) }, [
      makeSigner(ORIGIN, seededKey(9)),
    ]);
    expect(errorOf(verifyProof(proofText(4, inclusionProof(4, SIZE, read), impostor), leaf(4), log))).toContain(
      'none of the known keys',
    );
  });

  it('does not accept an inner node as a leaf', () => {
    // the prefixes prevent that leaves 0 and 1 are presented as one leaf of a smaller tree
    const inner = read(1, 0) as Buffer;
    const path = inclusionProof(0, SIZE, read).slice(1);
    expect(verifyProof(proofText(0, path, head), inner, log).ok).toBe(false);
  });

  it('can require witnesses', () => {
    const witness = valueOf(parseWitnessKey(witnessKey('w.example', seededKey(2))));
    const seen = signCheckpoint({ origin: ORIGIN, size: BigInt(SIZE), root: rootHash(SIZE, read) }, [
      signer,
      makeCosigner('w.example', seededKey(2), 1_700_000_000),
    ]);
    const witnesses = { keys: [witness], quorum: 1 };
    const text = proofText(4, inclusionProof(4, SIZE, read), seen);
    expect(valueOf(verifyProof(text, leaf(4), log, witnesses)).witnessedBy).toEqual(['w.example']);
    expect(errorOf(verifyProof(proofOf(4), leaf(4), log, witnesses))).toContain('1 are required');
  });

  it('carries unauthenticated extra data', () => {
    const text = proofOf(4, Buffer.from('anything'));
    expect(valueOf(parseProof(text)).extra).toEqual(Buffer.from('anything'));
    expect(valueOf(parseProof(proofOf(4))).extra).toBeUndefined();
    expect(valueOf(parseProof(proofOf(4, Buffer.alloc(0)))).extra).toEqual(Buffer.alloc(0));
    expect(verifyProof(text.replace('extra YW', 'extra ZW'), leaf(4), log).ok).toBe(true);
  });

  const hash = Buffer.alloc(32).toString('base64');
  it.each([
    ['nothing', ''],
    ['another head', `c2sp.org/tlog-proof@v2\nindex 0\n\n${head}`],
    ['no checkpoint', 'c2sp.org/tlog-proof@v1\nindex 0\n'],
    ['no index', `c2sp.org/tlog-proof@v1\n${hash}\n\n${head}`],
    ['an index with a leading zero', `c2sp.org/tlog-proof@v1\nindex 007\n\n${head}`],
    ['a negative index', `c2sp.org/tlog-proof@v1\nindex -5\n\n${head}`],
    ['two spaces', `c2sp.org/tlog-proof@v1\nindex  5\n\n${head}`],
    ['an index of 2^64', `c2sp.org/tlog-proof@v1\nindex 18446744073709551616\n\n${head}`],
    ['carriage returns', `c2sp.org/tlog-proof@v1\r\nindex 5\r\n\r\n${head}`],
    ['extra data after the index', `c2sp.org/tlog-proof@v1\nindex 0\nextra YQ==\n\n${head}`],
    ['extra data in non-canonical base64', `c2sp.org/tlog-proof@v1\nextra YR==\nindex 0\n\n${head}`],
    ['two lines of extra data', `c2sp.org/tlog-proof@v1\nextra YQ==\nextra YQ==\nindex 0\n\n${head}`],
    ['a long hash', `c2sp.org/tlog-proof@v1\nindex 0\n${Buffer.alloc(64).toString('base64')}\n\n${head}`],
    ['a hash in non-canonical base64', `c2sp.org/tlog-proof@v1\nindex 0\n${hash.slice(0, -2)}B=\n\n${head}`],
    ['65 hashes', `c2sp.org/tlog-proof@v1\nindex 0\n${`${hash}\n`.repeat(65)}\n${head}`],
    ['too great a length', `c2sp.org/tlog-proof@v1\nindex 0\n\n${'a'.repeat(2_000_000)}`],
  ])('is refused with %s', (_, text) => {
    errorOf(parseProof(text));
  });

  it('is refused if it would not round-trip', () => {
    expect(() => proofText(-1, [], head)).toThrow('no index');
    expect(() => proofText(1.5, [], head)).toThrow('no index');
    expect(() => proofText(0, [Buffer.alloc(31)], head)).toThrow('SHA-256');
    expect(() => proofText(0, [], head, Buffer.alloc(100_000))).toThrow('too long');
  });
});
