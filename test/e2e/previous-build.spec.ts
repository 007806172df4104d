import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { brokenAt } from '@bailiwick/receipts/testing/sealed-log';
import { readUnverified } from '@bailiwick/receipts/envelope';
import { exported, fixture, receipts, views } from '../fixtures/previous-build/read';
import { bailiwick, type Ran } from '../support/cli';
import { http, Stack, until } from '../support/stack';

/** Imports the tenant that the previous build exported, and compares the responses with those of that build. */
describe('a tenant of the previous build', () => {
  const { completed, live, run, tree, actions } = views();
  const { header, events } = exported();
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  }, 120_000);
  afterAll(() => stack.stop());

  const cli = (...args: string[]): Promise<Ran> => bailiwick(args, { BAILIWICK_DATA: stack.dataDir });
  const get = async (path: string) => (await http(stack, 'GET', path, { key: stack.keys.analyst })).body;

  it('is imported completely, and the log verifies', async () => {
    const [log] = header.logs;
    const done = await cli(
      'import',
      fixture('export.ndjson'),
      '--other-pseudonyms',
      '--origin-key',
      log?.vkey as string,
      '--json',
    );
    expect([done.code, done.err]).toEqual([0, '']);
    expect(JSON.parse(done.out)).toMatchObject({ events: events.length });
    await until('the ledger to have followed', async () => (await get('/v1/log/verification')).ok === true);
    expect(await get('/v1/log/verification')).toMatchObject({ ok: true, findings: [] });
  });

  it('has the same completed run, tree and actions', async () => {
    expect(await get(`/v1/runs/${completed.runId}`)).toMatchObject(run);
    const { position: _, ...ofTree } = tree;
    expect(await get(`/v1/trees/${completed.treeId}`)).toMatchObject(ofTree);
    expect((await get(`/v1/actions?runId=${completed.runId}`)).items).toMatchObject(actions);
  });

  it('ends the run that was live', async () => {
    // its lease ended by its time if that has come since the export was made
    expect(await get(`/v1/runs/${live.runId}`)).toMatchObject({
      status: expect.stringMatching(/^(revoked|expired)$/),
      imported: true,
    });
  });

  it('gets a receipt of this build with the same claims', async () => {
    const receipt = await stack.as('analyst').receipt(completed.runId);
    const vkey = await stack.as('analyst').verifierKey(header.logs[0]?.log as string);
    expect(brokenAt(verifyReceipt(receipt, vkey))).toBe('');
    const { predicate } = readUnverified(receipt);
    const { events: __, doesNotProve, ...claims } = readUnverified(receipts().receipts.run).predicate;
    expect(predicate).toMatchObject({ ...claims, imported: [{ events: events.length, live: false }] });
    expect(predicate.doesNotProve).toEqual(expect.arrayContaining(doesNotProve));
  });

  it('has receipts that the command line verifies', async () => {
    const { vkey, receipts: made } = receipts();
    for (const [kind, receipt] of Object.entries(made)) {
      const file = join(stack.dataDir, `${kind}.json`);
      writeFileSync(file, JSON.stringify(receipt));
      const { code, err } = await cli('receipt', 'verify', file, '--key', vkey);
      expect([kind, code, err]).toEqual([kind, 0, '']);
    }
  });
});
