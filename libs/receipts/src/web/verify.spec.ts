import { readFileSync } from 'node:fs';
import { builtinModules, createRequire } from 'node:module';
import { dirname, resolve } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { transformSync } from '@swc/core';
import { ROOMY } from '@bailiwick/authority/testing/harness';
import { ACTION_RECEIPT, TREE_RECEIPT, type Envelope } from '@bailiwick/contracts/receipts/receipt';
import { busyRun } from '../testing/busy-run';
import {
  brokenAt,
  otherReceiptOf,
  receiptOf,
  SealedLog,
  signed,
  statementOf,
  VKEY,
  words,
} from '../testing/sealed-log';
import { verifyReceipt as onNode, type Verification } from '../verify';

type Verify = (input: unknown, vkeys: string) => Verification;

/**
 * Loads a module and its imports in an environment without Node: a fresh realm with four web globals, which can only
 * import files.
 */
function loadInBareRealm(entry: string): { verifyReceipt: Verify; reached: string[] } {
  const realm = createContext({ TextEncoder, TextDecoder, atob, btoa });
  const modules = new Map<string, { exports: unknown }>();
  const load = (file: string): unknown => {
    const known = modules.get(file);
    if (known) return known.exports;
    const module = { exports: {} };
    modules.set(file, module);
    const { code } = transformSync(readFileSync(file, 'utf8'), {
      filename: file,
      module: { type: 'commonjs' },
      jsc: { target: 'es2022', parser: { syntax: file.endsWith('.ts') ? 'typescript' : 'ecmascript' } },
    });
    const run = runInContext(`(function (module, exports, require) {${code}\n})`, realm, { filename: file }) as (
      ...given: unknown[]
    ) => void;
    run(module, module.exports, (name: string) => load(find(name, file)));
    return module.exports;
  };
  const { verifyReceipt } = load(entry) as { verifyReceipt: Verify };
  return { verifyReceipt, reached: [...modules.keys()] };
}

function find(name: string, from: string): string {
  if (builtinModules.includes(name.replace('node:', '')))
    throw new Error(`${from} imports ${name}, a built-in of Node`);
  if (name.startsWith('.') && from.endsWith('.ts')) return `${resolve(dirname(from), name)}.ts`;
  return createRequire(from).resolve(name);
}

const busy = busyRun();
const envelope = receiptOf(busy.log, busy.runId);
const { verifyReceipt: onWeb, reached } = loadInBareRealm(resolve(__dirname, 'index.ts'));
const plain = (verification: Verification): unknown => JSON.parse(JSON.stringify(verification));

describe('the verifier for the web', () => {
  it('loads without Node, from files alone', () => {
    expect(reached.length).toBeGreaterThan(20);
    expect(() => find('node:crypto', 'x.ts')).toThrow(/built-in of Node/);
  });

  it('returns the same result as the Node verifier for receipts of every kind', () => {
    const { treeId } = busy.log.last('RunOpened');
    const { actionId } = busy.log.last('ActionDenied');
    for (const each of [
      envelope,
      otherReceiptOf(busy.log, TREE_RECEIPT, treeId as string),
      otherReceiptOf(busy.log, ACTION_RECEIPT, actionId as string),
    ]) {
      const result = onWeb(each, VKEY);
      expect(brokenAt(result)).toBe('');
      expect(plain(result)).toEqual(plain(onNode(each, VKEY)));
    }
  });

  it.each([1_300, 1_400, 2_100, 5_000])('reads payloads of %i characters like the Node verifier', (length) => {
    const log = new SealedLog();
    const { runId } = log.open(ROOMY, { payload: words({ purpose: '€'.repeat(length), requestedBy: 'ann' }) });
    for (const verify of [onWeb, onNode]) expect(brokenAt(verify(receiptOf(log, runId), VKEY))).toBe('');
  });

  it('reports the same failures as the Node verifier', () => {
    const [{ keyid, sig }] = envelope.signatures as [Envelope['signatures'][number]];
    const changed = (change: (copy: ReturnType<typeof statementOf>) => void): Envelope => {
      const copy = statementOf(busy.log, busy.runId);
      change(copy);
      return signed(copy);
    };
    const forged: unknown[] = [
      null,
      { ...envelope, payload: `${envelope.payload.slice(0, -4)}AAA=` },
      { ...envelope, payload: `${envelope.payload}\n` },
      { ...envelope, signatures: [{ keyid, sig: `${sig.slice(0, 10)}A${sig.slice(11)}` }] },
      { ...envelope, signatures: [{ keyid: `${keyid}x`, sig }] },
      changed(({ predicate }) => (predicate.purpose = 'ünïcode')),
      changed(({ predicate: { events } }) => events.splice(3, 1)),
      changed(({ predicate: { events } }) => (events[2]!.body = events[2]!.body.replace('a', 'b'))),
      changed(({ predicate: { events } }) => (events[2]!.proof = events[1]!.proof)),
      changed(
        ({ predicate: { events } }) => (events[4]!.proof = events[4]!.proof.replace(/\n[A-Za-z0-9+/]{43}=\n/, '\n')),
      ),
      changed(({ predicate: { events } }) => {
        const shown = events.find(({ payload }) => payload != null);
        shown!.payload = shown!.payload!.replace('"value"', '"Value"');
      }),
      changed(({ predicate }) => (predicate.spent.calls += 1)),
    ];
    for (const each of forged) {
      const result = onWeb(each, VKEY);
      expect(result.ok).toBe(false);
      expect(plain(result)).toEqual(plain(onNode(each, VKEY)));
    }
    expect(plain(onWeb(envelope, VKEY.replace('+', '-')))).toEqual(plain(onNode(envelope, VKEY.replace('+', '-'))));
  });
});
