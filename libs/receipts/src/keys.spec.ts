import type { Envelope } from '@bailiwick/contracts/receipts/receipt';
import { makeCosigner, witnessKey } from '@bailiwick/transparency-log/cosignature';
import { addSignatures, readNote, signNote, verifierKey } from '@bailiwick/transparency-log/note';
import { seededKey } from '@bailiwick/transparency-log/testing/keys';
import { signStatement } from './envelope';
import { busyRun } from './testing/busy-run';
import { brokenAt, KEY, NAME, prover, receiptOf, statementOf, VKEY } from './testing/sealed-log';
import { verifyReceipt } from './verify';

const busy = busyRun();
const NEW = seededKey(70);
const NEW_VKEY = verifierKey(NAME, NEW);
const bodies = busy.log.stored().map(({ body }) => body);

/** Builds a receipt whose envelope and whose tree are signed with the given keys of the log. */
function mixed(envelopeKey: typeof KEY, treeKey: typeof KEY): Envelope {
  const statement = statementOf(busy.log, busy.runId);
  const prove = prover(bodies, NAME, treeKey);
  for (const each of statement.predicate.events) each.proof = prove(each.position);
  return signStatement(statement, envelopeKey, NAME);
}

describe('a receipt of a log with a rotated key', () => {
  it('verifies under each key if all keys are given, as a list or one per line', () => {
    for (const receipt of [receiptOf(busy.log, busy.runId), mixed(NEW, NEW), mixed(NEW, KEY), mixed(KEY, NEW)])
      for (const keys of [[VKEY, NEW_VKEY], `${NEW_VKEY}\n${VKEY}\n`])
        expect(brokenAt(verifyReceipt(receipt, keys))).toBe('');
  });

  it('does not verify under a key that is not given', () => {
    expect(brokenAt(verifyReceipt(mixed(NEW, NEW), VKEY))).toMatch(/^the envelope is signed by the log: /);
    expect(brokenAt(verifyReceipt(mixed(KEY, NEW), VKEY))).toMatch(
      /^every event is in the log: event \d+: the checkpoint is not signed by/,
    );
  });

  it('does not verify with keys of two logs, or without a key', () => {
    const other = verifierKey('bailiwick.test/other/0', NEW);
    expect(brokenAt(verifyReceipt(receiptOf(busy.log, busy.runId), [VKEY, other]))).toMatch(/keys belong to two logs/);
    expect(brokenAt(verifyReceipt(receiptOf(busy.log, busy.runId), []))).toMatch(/no verifier key was given/);
  });
});

describe('witnesses of a receipt', () => {
  const ann = seededKey(71);
  const bob = seededKey(72);
  const ANN = witnessKey('ann.example/witness', ann);
  const BOB = witnessKey('bob.example/witness', bob);

  /** Builds a receipt whose tree Ann cosigned, or a cosignature over a spoiled text. */
  function cosigned(spoil = (text: string): string => text): Envelope {
    const statement = statementOf(busy.log, busy.runId);
    for (const each of statement.predicate.events) {
      const at = each.proof.indexOf('\n\n') + 2;
      const note = each.proof.slice(at);
      const read = readNote(note);
      if (!read.ok) throw new Error(read.error);
      const signed = readNote(
        signNote(spoil(read.value.text), [makeCosigner('ann.example/witness', ann, 1_767_225_600)]),
      );
      if (!signed.ok) throw new Error(signed.error);
      each.proof = each.proof.slice(0, at) + addSignatures(note, signed.value.signatures);
    }
    return signStatement(statement, KEY, NAME);
  }
  const detail = (witnesses: string[], quorum = 0): string | undefined =>
    verifyReceipt(cosigned(), VKEY, { witnesses, quorum })
      .steps.filter(({ step }) => step === 'witnesses')
      .at(-1)?.detail;

  it('are reported if their keys are given', () => {
    expect(detail([])).toBeUndefined();
    expect(detail([ANN])).toBe('ann.example/witness at 2026-01-01T00:00:00.000Z');
    expect(detail([BOB])).toBe('none of the known witnesses');
    expect(detail([ANN, BOB], 1)).toContain('ann.example');
  });

  it('must reach the quorum', () => {
    expect(brokenAt(verifyReceipt(cosigned(), VKEY, { witnesses: [ANN, BOB], quorum: 2 }))).toMatch(
      /^the tree was cosigned by the required witnesses: 1 of the known witnesses cosigned .*; 2 are required$/,
    );
  });

  it('are not accepted for a tree that they did not sign', () => {
    const other = cosigned((text) => text.replace(/\n\d+\n/, '\n7\n'));
    expect(brokenAt(verifyReceipt(other, VKEY, { witnesses: [ANN] }))).toMatch(
      /the cosignature by ann.example\/witness is not valid$/,
    );
    expect(brokenAt(verifyReceipt(other, VKEY))).toBe('');
    expect(brokenAt(verifyReceipt(other, VKEY, { witnesses: [VKEY] }))).toMatch(
      /signature type 1; the key of a witness has type 4/,
    );
  });
});
