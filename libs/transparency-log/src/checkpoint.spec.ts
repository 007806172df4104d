import * as fc from 'fast-check';
import { checkpointText, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint';
import { cosignatureTime, makeCosigner, parseWitnessKey, witnessKey } from './cosignature';
import { addSignatures, makeSigner, parseVerifierKey, readNote, signNote, verifierKey } from './note';
import { errorOf, seededKey, valueOf } from './testing/keys';

fc.configureGlobal({ seed: 20260125 });

// A checkpoint of a public log, with the log's signature, one of an unknown type, and those of public witnesses.
const PUBLIC = `arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
`;
const publicLog = valueOf(
  parseVerifierKey('arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f'),
);
const remora = valueOf(parseWitnessKey('remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2'));
const stagemole = valueOf(
  parseWitnessKey('witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv'),
);
const smartit = valueOf(
  parseWitnessKey('witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO'),
);

const ORIGIN = 'bailiwick.example/acme/0';
const log = valueOf(parseVerifierKey(verifierKey(ORIGIN, seededKey(1))));
const signer = makeSigner(ORIGIN, seededKey(1));
const checkpoint = { origin: ORIGIN, size: 20852163n, root: Buffer.alloc(32, 5) };
const signed = signCheckpoint(checkpoint, [signer]);
const witness = valueOf(parseWitnessKey(witnessKey('witness.example/w1', seededKey(2))));
const cosigned = (text: string, seconds = 1_679_315_147) => {
  const cosigner = makeCosigner('witness.example/w1', seededKey(2), seconds);
  return { name: cosigner.name, keyId: cosigner.keyId, signature: cosigner.sign(text) };
};

describe('the text of a checkpoint', () => {
  it('has the form of the specification', () => {
    const text = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n';
    const read = valueOf(parseCheckpoint(text));
    expect([read.origin, read.size, read.extensions]).toEqual(['example.com/behind-the-sofa', 20852163n, []]);
    expect(checkpointText(read)).toBe(text);
  });

  it('round-trips with extension lines', () => {
    const line = fc.string({ minLength: 1 }).filter((text) => !/[\u0000-\u001f]|\p{Surrogate}/u.test(text));
    const any = fc.record({
      origin: line,
      size: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
      extensions: fc.array(line, { maxLength: 3 }),
    });
    fc.assert(fc.property(any, (each) => expect(valueOf(parseCheckpoint(checkpointText(each)))).toEqual(each)));
  });

  const [origin, size, root] = ['o', '1', Buffer.alloc(32).toString('base64')];
  it.each([
    ['no root', `${origin}\n${size}\n`],
    ['no line end', `${origin}\n${size}\n${root}`],
    ['an empty origin', `\n${size}\n${root}\n`],
    ['an empty line', `${origin}\n${size}\n${root}\n\n`],
    ['an empty extension', `${origin}\n${size}\n${root}\n\nx\n`],
    ['a leading zero', `${origin}\n01\n${root}\n`],
    ['a sign', `${origin}\n+1\n${root}\n`],
    ['a fraction', `${origin}\n1.0\n${root}\n`],
    ['other digits', `${origin}\n١\n${root}\n`],
    ['2^64', `${origin}\n18446744073709551616\n${root}\n`],
    ['a short root', `${origin}\n${size}\n${Buffer.alloc(31).toString('base64')}\n`],
    ['non-canonical base64', `${origin}\n${size}\n${root.slice(0, -2)}B=\n`],
    ['base64 without padding', `${origin}\n${size}\n${root.slice(0, -1)}\n`],
    ['a carriage return', `${origin}\r\n${size}\n${root}\n`],
  ])('is refused with %s', (_, text) => {
    errorOf(parseCheckpoint(text));
  });

  it('is refused if it would not round-trip', () => {
    expect(() => checkpointText({ ...checkpoint, origin: 'two\nlines' })).toThrow();
    expect(() => checkpointText({ ...checkpoint, extensions: ['two\nlines'] })).toThrow('must be one line');
    expect(() => checkpointText({ ...checkpoint, extensions: [''] })).toThrow();
    expect(() => checkpointText({ ...checkpoint, size: -1n })).toThrow();
    expect(() => checkpointText({ ...checkpoint, root: Buffer.alloc(20) })).toThrow();
  });
});

describe('a signed checkpoint', () => {
  it('opens with the key of its log', () => {
    const opened = valueOf(openCheckpoint(signed, log));
    expect(opened.checkpoint).toEqual({ ...checkpoint, extensions: [] });
    expect(opened.witnessedBy).toEqual([]);
  });

  it('is refused for another log, even if the same key signed it (I9)', () => {
    const other = signCheckpoint({ ...checkpoint, origin: 'bailiwick.example/other/0' }, [signer]);
    expect(errorOf(openCheckpoint(other, log))).toBe(
      `the checkpoint belongs to bailiwick.example/other/0, but the key to ${ORIGIN}`,
    );
    const renamed = valueOf(parseVerifierKey(verifierKey('bailiwick.example/other/0', seededKey(1))));
    expect(errorOf(openCheckpoint(signed, renamed))).toContain('none of the known keys');
  });

  it('is refused if the signed text is not a checkpoint', () => {
    expect(errorOf(openCheckpoint(signNote('hello\n', [signer]), log))).toContain('a checkpoint has an origin');
  });

  it('of a public log opens with its known witnesses', () => {
    const opened = valueOf(openCheckpoint(PUBLIC, publicLog, { keys: [remora, stagemole, smartit], quorum: 3 }));
    expect(opened.checkpoint.size).toBe(1432088532n);
    expect(opened.witnessedBy).toEqual(['witness1.smartit.nu/witness1', 'remora.n621.de', 'witness.stagemole.eu']);
    expect(opened.signatures.map(({ signature }) => cosignatureTime(signature))).toContain(1_779_573_024n);
    expect(openCheckpoint(PUBLIC.replace('1432088532', '1432088533'), publicLog).ok).toBe(false);
  });
});

describe('witnesses of a checkpoint', () => {
  const withWitness = addSignatures(signed, [cosigned(checkpointText(checkpoint))]);

  it('count only if they are known, and must reach the quorum', () => {
    expect(valueOf(openCheckpoint(withWitness, log, { keys: [witness], quorum: 1 })).witnessedBy).toEqual([
      'witness.example/w1',
    ]);
    expect(valueOf(openCheckpoint(withWitness, log)).witnessedBy).toEqual([]);
    expect(errorOf(openCheckpoint(signed, log, { keys: [witness], quorum: 1 }))).toBe(
      '0 of the known witnesses cosigned; 1 are required',
    );
    expect(errorOf(openCheckpoint(withWitness, log, { keys: [remora], quorum: 1 }))).toContain(
      '0 of the known witnesses',
    );
  });

  it('count once each, and the log never counts', () => {
    const text = checkpointText(checkpoint);
    const twice = addSignatures(signed, [cosigned(text), cosigned(text, 1_700_000_000)]);
    expect(errorOf(openCheckpoint(twice, log, { keys: [witness], quorum: 2 }))).toContain('1 of the known witnesses');
    const asWitness = valueOf(parseWitnessKey(witnessKey(ORIGIN, seededKey(3))));
    const own = makeCosigner(ORIGIN, seededKey(3), 1);
    const selfCosigned = addSignatures(signed, [{ name: ORIGIN, keyId: own.keyId, signature: own.sign(text) }]);
    expect(errorOf(openCheckpoint(selfCosigned, log, { keys: [asWitness], quorum: 1 }))).toContain(
      '0 of the known witnesses',
    );
  });

  it('cannot replace the signature of the log', () => {
    const text = checkpointText(checkpoint);
    const only = signNote(text, [makeCosigner('witness.example/w1', seededKey(2), 1)]);
    expect(errorOf(openCheckpoint(only, log, { keys: [witness], quorum: 1 }))).toBe(
      `the checkpoint is not signed by ${ORIGIN}`,
    );
  });

  it('sign the time with the text, so that another time invalidates the note', () => {
    const { name, keyId, signature } = cosigned(checkpointText(checkpoint));
    const later = Buffer.from(signature);
    later.writeBigUInt64BE(cosignatureTime(signature)! + 1n);
    const note = addSignatures(signed, [{ name, keyId, signature: later }]);
    expect(errorOf(openCheckpoint(note, log, { keys: [witness], quorum: 0 }))).toBe(
      'the signature by witness.example/w1 is not valid',
    );
    expect(cosignatureTime(signature)).toBe(1_679_315_147n);
    expect(cosignatureTime(Buffer.alloc(64))).toBeUndefined();
    expect(cosignatureTime(Buffer.alloc(72, 0xff))).toBeUndefined();
    expect(witness.verify(checkpointText(checkpoint), Buffer.alloc(72, 0xff))).toBe(false);
  });

  it('sign whole seconds only, and a plain signature is not a cosignature', () => {
    expect(() => makeCosigner('w', seededKey(2), 1.5)).toThrow('whole number of seconds');
    expect(() => makeCosigner('w', seededKey(2), -1)).toThrow('whole number of seconds');
    const [plain] = valueOf(readNote(signNote(checkpointText(checkpoint), [makeSigner('w', seededKey(2))]))).signatures;
    expect(witness.verify(checkpointText(checkpoint), plain?.signature ?? Buffer.alloc(0))).toBe(false);
  });
});
