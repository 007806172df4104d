import { generateKeyPairSync } from 'node:crypto';
import { checkpointText, parseCheckpoint } from './checkpoint';
import { entryHash, leafHash } from './hash';
import { makeSigner, openNote, parseVerifierKey, signNote, verifierKey } from './note';
import { proofText, verifyProof } from './proof';
import { appendLeaves, inclusionProof, rootHash } from './tree';

const { privateKey } = generateKeyPairSync('ed25519');
const value = <T>(result: { ok: true; value: T } | { ok: false; error: string }): T => {
  if (!result.ok) throw new Error(result.error);
  return result.value;
};

describe('signed notes', () => {
  it('open with the key that signed, and with no other', () => {
    const verifier = value(parseVerifierKey(verifierKey('log.example/a', privateKey)));
    const note = signNote('hello\nworld\n', [makeSigner('log.example/a', privateKey)]);
    expect(value(openNote(note, [verifier])).text).toBe('hello\nworld\n');
    const other = value(parseVerifierKey(verifierKey('log.example/a', generateKeyPairSync('ed25519').privateKey)));
    expect(openNote(note, [other]).ok).toBe(false);
    expect(openNote(note.replace('world', 'w0rld'), [verifier]).ok).toBe(false);
  });

  it('have the verifier key of the specification example', () => {
    const vkey = 'example.com/foo+530d903b+AekyemoEzOYGuK/Of97O2m1BDnUVw8Jkz7/yeCzCzG5a';
    const parsed = parseVerifierKey(vkey);
    if (parsed.ok) expect(parsed.value.name).toBe('example.com/foo');
    expect(parseVerifierKey(vkey.replace('530d903b', '530d903c')).ok).toBe(false);
  });
});

describe('a proof in a file', () => {
  it('shows one leaf of one log, and nothing else', () => {
    const leaves = Array.from({ length: 9 }, (_, i) => leafHash(entryHash(`e${i}`)));
    const nodes = new Map(appendLeaves(0, leaves, () => Buffer.alloc(32)).map((node) => [`${node.level}/${node.index}`, node.hash]));
    const read = (level: number, index: number): Buffer => nodes.get(`${level}/${index}`) as Buffer;
    const origin = 'bailiwick.local/default/0';
    const note = signNote(checkpointText({ origin, size: 9n, root: rootHash(9, read) }), [makeSigner(origin, privateKey)]);
    const verifier = value(parseVerifierKey(verifierKey(origin, privateKey)));
    const proof = proofText(4, inclusionProof(4, 9, read), note);
    expect(value(verifyProof(proof, leaves[4] as Buffer, verifier)).index).toBe(4n);
    expect(verifyProof(proof, leaves[5] as Buffer, verifier).ok).toBe(false);
    expect(verifyProof(proof.replace('index 4', 'index 5'), leaves[4] as Buffer, verifier).ok).toBe(false);
    expect(value(parseCheckpoint(checkpointText({ origin, size: 9n, root: rootHash(9, read) }))).size).toBe(9n);
  });
});

