import { parentPort, workerData } from 'node:worker_threads';
import { Audit } from '@bailiwick/audit/audit';
import { says } from '@bailiwick/audit/finding';
import type { Sealed } from '@bailiwick/authority/commands/seal';
import type { ExportHeader } from '@bailiwick/contracts/transfer/export';
import { systemClock } from '@bailiwick/core/clock';
import type { Fence } from '@bailiwick/event-store/port';
import { NotImported, PostgresImports } from '@bailiwick/event-store/postgres/imports';
import { LIMITS } from '@bailiwick/core/limits';
import { parseVerifierKey } from '@bailiwick/transparency-log/note';
import { closing } from './import-closing';

export interface ImportJob {
  readonly databaseUrl: string;
  readonly header: ExportHeader;
  /** imported leases stay alive */
  readonly live: boolean;
  readonly fence: Fence;
}
export type ImportReport = { readonly checked: number } | { readonly refused: string } | { readonly done: true };

/** Staged events are invalid; a retry would fail as well. */
class Invalid extends Error {}

/**
 * Verifies staged events as `log verify` does, by every rule and against the signed heads: each event has a known form
 * and the position it names, all of them fold, no grant is wider than its parent, and no permit lacks its approval.
 * @returns the events to append to each log
 * @throws Invalid with the first violation
 */
async function check(
  imports: Pick<PostgresImports, 'read'>,
  { logs }: ExportHeader,
  live: boolean,
  onProgress: (checked: number) => void,
): Promise<Map<string, Sealed[]>> {
  const closings = new Map<string, Sealed[]>();
  let checked = 0;
  for (const each of logs) {
    const { log, size, root, vkey, checkpoint } = each;
    const key = parseVerifierKey(vkey);
    if (!key.ok) throw new Invalid(`the key of ${log}: ${key.error}`);
    const heads = checkpoint === null ? [] : [{ note: checkpoint }];
    const audit = new Audit({ log, origin: key.value.name, keys: [key.value], heads });
    while (audit.tree.size < size) {
      const events = await imports.read(log, audit.tree.size, LIMITS.eventsPageMax);
      if (events.length === 0) break;
      for (const event of events) audit.add(event);
      onProgress((checked += events.length));
    }
    if (audit.tree.size !== size) throw new Invalid(`${log} has ${audit.tree.size} events, not ${size}`);
    const report = audit.report();
    if (report.root !== root) throw new Invalid(`the events of ${log} have the root ${report.root}, not ${root}`);
    const [finding] = report.findings;
    if (finding) throw new Invalid(`${log}: ${says(finding)}`);
    closings.set(log, size === 0 ? [] : closing(audit.state, each, live, systemClock.now()));
  }
  return closings;
}

async function main({ databaseUrl, header, live, fence }: ImportJob): Promise<void> {
  const report = (message: ImportReport): void => parentPort?.postMessage(message);
  const imports = new PostgresImports(databaseUrl);
  try {
    const closings = await check(imports, header, live, (checked) => report({ checked }));
    // A crash here: all events are staged and none is in effect; the next `complete` step verifies them again.
    await imports.publish(header, closings, fence);
    report({ done: true });
  } catch (error) {
    if (!(error instanceof Invalid || error instanceof NotImported)) throw error;
    if (error instanceof Invalid) await imports.clear(header.tenant);
    report({ refused: error.message });
  } finally {
    await imports.close();
  }
}

// a rejection becomes the thread's `error` event
void main(workerData as ImportJob);
