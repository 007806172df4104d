import { ADA as PERSON, answer, ask, CAREFUL, rule } from '@bailiwick/authority/testing/approvers';
import { named } from '@bailiwick/contracts/people/person-names';
import type { Envelope } from '@bailiwick/contracts/receipts/receipt';
import { seededKey } from '@bailiwick/transparency-log/testing/keys';
import { htmlOf } from './human/html';
import { documentOf } from './human/document';
import { refsInBodies, unverifiedNames, withNames } from './names';
import { renderReceipt } from './render';
import { brokenAt, KEY, NAME, signed, SealedLog, statementOf, VKEY, words } from './testing/sealed-log';
import { verifyReceipt } from './verify';
import { verifyReceipt as verifyInBrowser } from './web/index';

const ADA = { ...PERSON, id: `ref_${'a'.repeat(26)}` };

/** A run whose payment a person approved; the person is named by a ref. */
function approved() {
  const log = new SealedLog();
  rule(log, { name: 'one', needed: 1 });
  const { runId, grantId } = log.open(CAREFUL, {
    payload: words({ purpose: `we heard that ${ADA.id} agreed`, requestedBy: 'ann@example.com' }),
  });
  answer(log, ask(log, grantId).data.approvalId, ADA);
  const statement = statementOf(log, runId);
  return { runId, statement, receipt: signed(statement) };
}
const withName = (envelope: Envelope, name: string | null, key = KEY): Envelope =>
  withNames(envelope, 'run', { [ADA.id]: name }, key, NAME);

describe('the names of people in a receipt', () => {
  const { runId, statement, receipt } = approved();
  const text = (given: Envelope): string => {
    const verification = verifyReceipt(given, VKEY);
    expect(brokenAt(verification)).toBe('');
    return htmlOf(documentOf(statement, verification, VKEY, verification.names));
  };

  it('are of those that its events name, and not of principals or purposes', () => {
    const bodies = statement.predicate.events.map(({ body }) => body);
    expect(refsInBodies(bodies)).toEqual([ADA.id]);
  });

  it('are verified with it, on Node and in browsers, and shown in place of refs', () => {
    const given = withName(receipt, 'user:ada@example.com');
    expect(verifyInBrowser(given, VKEY)).toEqual(verifyReceipt(given, VKEY));
    expect(text(given)).toContain('user:ada@example.com');
    const lines = renderReceipt(named(statement.predicate, { [ADA.id]: 'user:ada@example.com' })).join('\n');
    expect(lines).toContain('approve by user:ada@example.com');
    expect(text(receipt)).not.toContain('user:ada@example.com');
  });

  it('replace no ref in the text of an agent', () => {
    expect(text(withName(receipt, 'user:ada@example.com'))).toContain(`we heard that ${ADA.id} agreed`);
  });

  it('may be removed, and are gone after an erasure: the receipt verifies as before', () => {
    expect(text(withName(receipt, null))).toContain(`erased person ${ADA.id.slice(0, 12)}…`);
    const { names: _, ...without } = withName(receipt, 'user:ada@example.com');
    expect(without).toEqual(receipt);
    expect(verifyReceipt(without, VKEY)).toMatchObject({ ok: true });
  });

  it.each([
    ['signed by another key', withName(receipt, 'user:eve@example.com', seededKey(8))],
    ['of another receipt', { ...receipt, names: withName(approved().receipt, 'user:eve@example.com').names }],
    ['that are another statement', { ...receipt, names: receipt }],
    ['changed afterwards', changed(withName(receipt, 'user:ada@example.com'))],
  ])('break the verification if they are %s', (_what, given) => {
    const verification = verifyReceipt(given, VKEY);
    expect([verification.ok, verification.steps.at(-1)?.step, verification.names]).toEqual([false, 'names', undefined]);
  });

  it('are read from a file that is not verified, or left out if they are malformed', () => {
    expect(unverifiedNames(JSON.stringify(withName(receipt, 'user:ada@example.com')))).toEqual({
      [ADA.id]: 'user:ada@example.com',
    });
    for (const given of [receipt, 'nothing', { ...receipt, names: receipt }])
      expect(unverifiedNames(given)).toEqual({});
    expect(runId).toBe(statement.predicate.run.id);
  });
});

function changed({ names, ...receipt }: Envelope): Envelope {
  const text = Buffer.from(names?.payload ?? '', 'base64').toString();
  const payload = Buffer.from(text.replace('user:ada', 'user:eve')).toString('base64');
  return { ...receipt, names: { ...(names as Envelope), payload } };
}
