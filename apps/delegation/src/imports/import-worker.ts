import { parentPort, workerData } from 'node:worker_threads';
import { Audit } from '@bailiwick/audit/audit';
import { says } from '@bailiwick/audit/finding';
import type { Sealed } from '@bailiwick/authority/commands/seal';
import type { ExportHeader } from '@bailiwick/contracts/export';
import type { Fence } from '@bailiwick/event-store/port';
import { NotImported, PostgresImports } from '@bailiwick/event-store/postgres/imports';
import { LIMITS } from '@bailiwick/core/limits';
import { parseVerifierKey } from '@bailiwick/transparency-log/note';
import { closing } from './import-closing';

export interface ImportJob {
  readonly databaseUrl: string;
  readonly header: ExportHeader;
  /** its leases stay alive */
  readonly live: boolean;
  readonly fence: Fence;
}
export type ImportTold = { readonly checked: number } | { readonly refused: string } | { readonly done: true };

/** What is staged is wrong, whoever tries. */
class Wrong extends Error {}

/**
 * Judges staged events as `log verify` does, by every rule, and against the signed heads: each is of a known form and
 * the one its place says, all of them fold, no grant is wider than its parent, no permit lacks its person.
 * @returns what is written behind each log
 * @throws Wrong with the first that is not so
 */
async function check(
  imports: Pick<PostgresImports, 'read'>,
  { logs }: ExportHeader,
  live: boolean,
  told: (checked: number) => void,
): Promise<Map<string, Sealed[]>> {
  const behind = new Map<string, Sealed[]>();
  let checked = 0;
  for (const each of logs) {
    const { log, size, root, vkey, checkpoint } = each;
    const key = parseVerifierKey(vkey);
    if (!key.ok) throw new Wrong(`the key of ${log}: ${key.error}`);
    const heads = checkpoint === null ? [] : [{ note: checkpoint }];
    const audit = new Audit({ log, origin: key.value.name, keys: [key.value], heads });
    while (audit.tree.size < size) {
      const events = await imports.read(log, audit.tree.size, LIMITS.eventsPageMax);
      if (events.length === 0) break;
      for (const event of events) audit.add(event);
      told((checked += events.length));
    }
    if (audit.tree.size !== size) throw new Wrong(`${log} has ${audit.tree.size} events, not ${size}`);
    const report = audit.report();
    if (report.root !== root) throw new Wrong(`the events of ${log} have the root ${report.root}, not ${root}`);
    const [finding] = report.findings;
    if (finding) throw new Wrong(`${log}: ${says(finding)}`);
    behind.set(log, size === 0 ? [] : closing(audit.state, each, live, Date.now()));
  }
  return behind;
}

async function main({ databaseUrl, header, live, fence }: ImportJob): Promise<void> {
  const tell = (told: ImportTold): void => parentPort?.postMessage(told);
  const imports = new PostgresImports(databaseUrl);
  try {
    const behind = await check(imports, header, live, (checked) => tell({ checked }));
    // Dying here: all is staged and nothing counts; whoever completes it again checks it again.
    await imports.publish(header, behind, fence);
    tell({ done: true });
  } catch (error) {
    if (!(error instanceof Wrong || error instanceof NotImported)) throw error;
    if (error instanceof Wrong) await imports.clear(header.tenant);
    tell({ refused: error.message });
  } finally {
    await imports.close();
  }
}

// what it throws is the thread's error, and told as such
void main(workerData as ImportJob);
