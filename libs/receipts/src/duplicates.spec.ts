import { sign } from 'node:crypto';
import { PAYLOAD_TYPE, type Envelope } from '@bailiwick/contracts/receipts/receipt';
import { preAuthEncoding, readUnverified } from './envelope';
import { busyRun } from './testing/busy-run';
import { KEY, receiptOf, VKEY } from './testing/sealed-log';
import { verifyReceipt } from './verify';
import { verifyReceipt as verifyInBrowser } from './web';

const { log, runId } = busyRun();
const envelope = receiptOf(log, runId);
const text = JSON.stringify(envelope);
const statement = Buffer.from(envelope.payload, 'base64').toString();
const signed = (body: string): string => {
  const sig = sign(null, preAuthEncoding(PAYLOAD_TYPE, Buffer.from(body)), KEY).toString('base64');
  const [first] = envelope.signatures;
  const made: Envelope = {
    ...envelope,
    payload: Buffer.from(body).toString('base64'),
    signatures: [{ keyid: first?.keyid ?? '', sig }],
  };
  return JSON.stringify(made);
};
const other = Buffer.from('{}').toString('base64');

describe.each([
  ['the verifier of Node', verifyReceipt],
  ['the verifier of browsers', verifyInBrowser],
])('%s', (_which, verify) => {
  it('accepts the text of a receipt and its parsed JSON', () => {
    expect(verify(text, VKEY).ok).toBe(true);
    expect(verify(envelope, VKEY).ok).toBe(true);
    expect(verify(JSON.stringify(envelope, null, 2), VKEY).ok).toBe(true);
  });

  it.each<[string, string, string]>([
    ['a second payload behind the signed one', text.replace(/}$/, `,"payload":"${other}"}`), 'envelope'],
    ['a second payload before the signed one', text.replace('{', `{"payload":"${other}",`), 'envelope'],
    ['the same payload twice', text.replace('{', `{"payload":"${envelope.payload}",`), 'envelope'],
    ['a second payload whose name is escaped', text.replace('{', `{"\\u0070ayload":"${other}",`), 'envelope'],
    ['a second payloadType', text.replace('{', '{"payloadType":"text/plain",'), 'envelope'],
    ['a second list of signatures', text.replace('{', '{"signatures":[],'), 'envelope'],
    ['a second keyid in a signature', text.replace('{"keyid":', '{"keyid":"x","keyid":'), 'envelope'],
    ['a second sig in a signature', text.replace('"sig":', '"sig":"","sig":'), 'envelope'],
    ['invalid JSON', text.slice(1), 'envelope'],
    [
      'a signed statement with two predicate types',
      signed(statement.replace('{', '{"predicateType":"x",')),
      'statement',
    ],
    [
      'a signed statement with a duplicate claim',
      signed(statement.replace('"spent":', '"spent":null,"spent":')),
      'statement',
    ],
    ['a signed event with a duplicate body', signed(statement.replace('"body":', '"body":"{}","body":')), 'statement'],
  ])('refuses %s', (_what, changed, step) => {
    expect(changed).not.toBe(text);
    const { ok, steps } = verify(changed, VKEY);
    expect([ok, steps.at(-1)?.step]).toEqual([false, step]);
  });
});

it('readUnverified refuses a receipt with duplicate members', () => {
  expect(() => readUnverified(text.replace('{', `{"payload":"${other}",`))).toThrow(
    'payload occurs twice in one object',
  );
  expect(() => readUnverified(signed(statement.replace('"spent":', '"spent":null,"spent":')))).toThrow(
    'spent occurs twice',
  );
});
