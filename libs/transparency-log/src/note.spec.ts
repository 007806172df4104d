import * as fc from 'fast-check';
import {
  addSignatures,
  makeSigner,
  openNote,
  parseVerifierKey,
  readNote,
  signNote,
  SIGNATURES_MOST,
  verifierKey,
} from './note';
import { errorOf, seededKey, valueOf } from './testing/keys';

fc.configureGlobal({ seed: 20260128 });

const verifierOf = (vkey: string) => valueOf(parseVerifierKey(vkey));

// The examples of c2sp.org/signed-note and golang.org/x/mod/sumdb/note, with their public keys.
const EXAMPLE = {
  vkey: 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  text: 'This is an example message.\n',
  line: '— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n',
};
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETER = {
  vkey: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
  seed: Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1),
  line: '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
};
const ENOCH = {
  vkey: 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop',
  line: '— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n',
};
const peter = verifierOf(PETER.vkey);
const enoch = verifierOf(ENOCH.vkey);
const both = `${TEXT}\n${PETER.line}${ENOCH.line}`;

describe('a note', () => {
  it('from the specification opens with its key', () => {
    const opened = valueOf(openNote(`${EXAMPLE.text}\n${EXAMPLE.line}`, [verifierOf(EXAMPLE.vkey)]));
    expect([opened.text, opened.signedBy]).toEqual([EXAMPLE.text, ['example.com/foo']]);
  });

  it('has the same bytes as those of other implementations', () => {
    const signer = makeSigner('PeterNeumann', seededKey(PETER.seed));
    expect(signNote(TEXT, [signer])).toBe(`${TEXT}\n${PETER.line}`);
    expect(signNote('árvore de transparência 日本語 🌲\n', [signer])).toBe(
      'árvore de transparência 日本語 🌲\n\n— PeterNeumann x08go++3OV7s/KeQz0gcxdTb0xCe6RGE+WqNgFmfn4c7Kh2Tj4rqMVeBKDYPti8V31GF/I1uTTEjjn8pxz1ai4qlEwM=\n',
    );
  });

  it('returns the known keys that signed it, and ignores the others', () => {
    expect(valueOf(openNote(both, [peter])).signedBy).toEqual(['PeterNeumann']);
    expect(valueOf(openNote(both, [enoch, peter])).signedBy).toEqual(['PeterNeumann', 'EnochRoot']);
    expect(valueOf(openNote(both, [peter])).signatures.map(({ name }) => name)).toEqual(['PeterNeumann', 'EnochRoot']);
    expect(errorOf(openNote(both, []))).toBe('none of the known keys signed the note');
    expect(errorOf(openNote(`${TEXT}\n${ENOCH.line}`, [peter]))).toBe('none of the known keys signed the note');
  });

  it('ignores a signature that shares the name or the key id, but not both, with a known key', () => {
    const sameName = signNote(TEXT, [makeSigner('PeterNeumann', seededKey(7))]);
    expect(errorOf(openNote(sameName, [peter]))).toBe('none of the known keys signed the note');
    expect(openNote(sameName + PETER.line, [peter]).ok).toBe(true);
    const sameId = `${TEXT}\n${PETER.line.replace('PeterNeumann', 'CarmenSandiego')}`;
    expect(errorOf(openNote(sameId, [peter]))).toBe('none of the known keys signed the note');
  });

  it('is refused if a signature of a known key is invalid, even next to a valid one', () => {
    const wrong = PETER.line.replace('SffcvIAQ', 'SffcvIAR');
    expect(errorOf(openNote(`${TEXT}\n${wrong}`, [peter]))).toBe('the signature by PeterNeumann is not valid');
    expect(errorOf(openNote(`${TEXT}\n${PETER.line}${wrong}`, [peter]))).toBe(
      'the signature by PeterNeumann is not valid',
    );
    expect(errorOf(openNote(`${TEXT}\n${PETER.line.replace('JnAM=', 'JnA==')}`, [peter]))).toMatch(
      /malformed|not valid/,
    );
    // two keys under one name, each selected by its id
    const rotated = makeSigner('PeterNeumann', seededKey(7));
    const rotatedVerifier = verifierOf(verifierKey('PeterNeumann', seededKey(7)));
    const forged = `${TEXT}\n${PETER.line}${signNote('another\n', [rotated]).split('\n\n')[1] ?? ''}`;
    expect(errorOf(openNote(forged, [peter, rotatedVerifier]))).toBe('the signature by PeterNeumann is not valid');
  });

  it('is refused if two known keys share the name and the id', () => {
    expect(errorOf(openNote(`${TEXT}\n${ENOCH.line}`, [enoch, peter, enoch]))).toContain(
      'two of the known keys are EnochRoot+af0cfe78',
    );
    expect(openNote(`${TEXT}\n${PETER.line}`, [enoch, peter, enoch]).ok).toBe(true);
  });

  it.each([
    ['no signatures', TEXT],
    ['an empty part for them', `${TEXT}\n`],
    ['no line end at the end', `${TEXT}\n${PETER.line.slice(0, -1)}`],
    ['a control character', `\u0001${TEXT}\n${PETER.line}`],
    ['a carriage return', `${TEXT}\n${PETER.line.replace('\n', '\r\n')}`],
    ['half a surrogate pair', `\ud800${TEXT}\n${PETER.line}`],
    ['a line that is not a signature', `${TEXT}\n${PETER.line}Unexpected line.\n`],
    ['a hyphen for the dash', `${TEXT}\n${PETER.line.replace('—', '-')}`],
    ['two spaces', `${TEXT}\n${PETER.line.replace(' ', '  ')}`],
    ['a name with a space', `${TEXT}\n${PETER.line.replace('PeterNeumann', 'Bad\u2003Name')}`],
    ['a name with a plus', `${TEXT}\n${PETER.line.replace('PeterNeumann', 'Bad+Name')}`],
    ['non-canonical base64', `${TEXT}\n${PETER.line.replace('nAM=', 'nAN=')}`],
    ['a signature of nothing', `${TEXT}\n${PETER.line}— EnochRoot rwz+eA==\n`],
    ['too many signatures', `${TEXT}\n${PETER.line.repeat(SIGNATURES_MOST + 1)}`],
    ['too great a length', `${'a'.repeat(1_000_000)}\n\n${PETER.line}`],
  ])('is refused with %s', (_, note) => {
    expect(readNote(note).ok).toBe(false);
    expect(openNote(note, [peter]).ok).toBe(false);
  });

  it('opens with the maximum number of signatures, and its text ends at the last empty line', () => {
    expect(openNote(`${TEXT}\n${PETER.line.repeat(SIGNATURES_MOST)}`, [peter]).ok).toBe(true);
    const note = signNote('a\n\nb\n', [makeSigner('k', seededKey(3))]);
    expect(valueOf(openNote(note, [verifierOf(verifierKey('k', seededKey(3)))])).text).toBe('a\n\nb\n');
  });

  it('is refused after a change of any character of the text', () => {
    fc.assert(
      fc.property(fc.nat(TEXT.length - 1), fc.integer({ min: 1, max: 90 }), (at, by) => {
        const other = String.fromCharCode(32 + ((TEXT.charCodeAt(at) - 32 + by + 95) % 95));
        fc.pre(other !== TEXT[at]);
        expect(openNote(`${TEXT.slice(0, at)}${other}${TEXT.slice(at + 1)}\n${PETER.line}`, [peter]).ok).toBe(false);
      }),
    );
  });

  it('is refused if its text would not round-trip', () => {
    const signer = makeSigner('k', seededKey(3));
    expect(() => signNote('no line end', [signer])).toThrow('must end with a line end');
    expect(() => signNote('tab\t\n', [signer])).toThrow('control characters');
    expect(() => signNote('\udc00\n', [signer])).toThrow('half surrogate pairs');
    expect(() => signNote('text\n', [])).toThrow('at least one signature');
    expect(() => makeSigner('k', verifierOf(PETER.vkey).publicKey)).toThrow('private key');
    expect(() => makeSigner('a b', seededKey(3))).toThrow('not a key name');
  });
});

describe('adding signatures', () => {
  it('keeps the existing signatures, and adds no duplicates', () => {
    const signatures = valueOf(readNote(both)).signatures;
    expect(addSignatures(`${TEXT}\n${PETER.line}`, signatures)).toBe(both);
    expect(addSignatures(both, [...signatures, ...signatures])).toBe(both);
  });

  it('refuses signatures that would make the note malformed', () => {
    const [signature] = valueOf(readNote(both)).signatures;
    if (!signature) throw new Error('no signature');
    expect(() => addSignatures(both, [{ ...signature, name: 'a b' }])).toThrow('not a key name');
    expect(() => addSignatures(TEXT, [signature])).toThrow('cannot add signatures');
    const many = Array.from({ length: SIGNATURES_MOST }, (_, i) => ({ ...signature, name: `w${i}` }));
    expect(() => addSignatures(both, many)).toThrow('more than 100 signatures');
  });
});
