import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { spawnSync } from 'node:child_process';
import type { BailiwickClient } from '@bailiwick/client/client';
import { RUN_RECEIPT, type Custody } from '@bailiwick/contracts/receipts/receipt';
import { renderCustody, renderReceipt } from '@bailiwick/receipts/render';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import type { Credentials } from '../context';
import { bold, dim, green, plain, red } from '../render';

/**
 * Fetches the receipt of a run, prints it with the custody of an action in its tree, and verifies it offline, in a
 * separate process that gets two files and no address. Returns whether it verified.
 */
export async function checkReceipt(
  client: BailiwickClient,
  run: { runId: string; position: number; actionId: string },
  credentials: Credentials,
  print: (line?: string) => void,
): Promise<boolean> {
  const { runId, position, actionId } = run;
  const receipt = await client.receipt(runId, position);
  const vkey = await client.verifierKey(`${credentials.tenant}/0`);
  const { statement } = verifyReceipt(receipt, vkey);
  if (statement?.predicateType !== RUN_RECEIPT) throw new Error('the receipt cannot be read');
  for (const line of renderReceipt(statement.predicate)) print(`   ${plain(line)}`);
  print();
  print('   custody of the one file that was changed, up to the person who asked:');
  for (const line of renderCustody((await client.custody(actionId)) as Custody)) print(`     ${plain(line)}`);
  print();
  const children = await Promise.all(
    statement.predicate.children.map(
      async (child) => verifyReceipt(await client.receipt(child.runId, position), vkey).ok,
    ),
  );
  print(`   the receipts of its ${children.length} children: ${children.filter(Boolean).length} verify`);
  return verifyOffline(receipt, vkey, print) && children.every(Boolean);
}

function verifyOffline(receipt: unknown, vkey: string, print: (line?: string) => void): boolean {
  const dir = mkdtempSync(join(tmpdir(), 'bailiwick-receipt-'));
  try {
    writeFileSync(join(dir, 'receipt.json'), JSON.stringify(receipt));
    writeFileSync(join(dir, 'log.vkey'), vkey);
    print(dim('   $ bailiwick receipt verify receipt.json --key log.vkey'));
    const main = join(__dirname, '..', 'main.js');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [...BUILT_FLAGS, main, 'receipt', 'verify', 'receipt.json', '--key', 'log.vkey'],
      { cwd: dir, encoding: 'utf8', env: { PATH: process.env.PATH } },
    );
    for (const line of `${stdout}${stderr}`.trimEnd().split('\n')) print(`     ${line}`);
    print(status === 0 ? bold(green('   receipt verified')) : bold(red('   the receipt did NOT verify')));
    return status === 0;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
