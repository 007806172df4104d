import { parentPort, workerData } from 'node:worker_threads';
import { evolve } from '#authority/evolve';
import { emptyState } from '#authority/state';
import { parseEvent } from '#contracts/event';
import type { ExportHeader } from '#contracts/export';
import { isForeign } from '#contracts/payload';
import type { Fence, StoredEvent } from '#eventlog/port';
import { NotImported, PostgresImports } from '#eventlog/postgres-imports';
import { parseLogName } from '#kernel/ids';
import { LIMITS } from '#kernel/limits';
import { entryHash, leafHash } from '#tlog/hash';
import { growTree, rootOfFrontier } from '#tlog/tree';

export interface ImportJob {
  readonly databaseUrl: string;
  readonly header: ExportHeader;
  readonly fence: Fence;
}
export type ImportTold = { readonly checked: number } | { readonly refused: string } | { readonly done: true };

/** What is staged is wrong, whoever tries. */
class Wrong extends Error {}

/**
 * Checks staged events as a verifier does: each is of a known form and the one its place says, all of them fold, and
 * they hash to the signed roots.
 * @throws Wrong with the first that is not so
 */
async function check(
  imports: Pick<PostgresImports, 'read'>,
  { logs }: ExportHeader,
  told: (checked: number) => void,
): Promise<void> {
  let checked = 0;
  for (const { log, size, root } of logs) {
    const { tenant, n } = parseLogName(log);
    const state = emptyState(log, tenant, n);
    let frontier: Buffer[] = [];
    while (state.next < size) {
      const events = await imports.read(log, state.next, LIMITS.eventsPageMax);
      if (events.length === 0) break;
      const leaves = events.map(({ body }) => leafHash(entryHash(body)));
      ({ frontier } = growTree(state.next, frontier, leaves));
      for (const stored of events) {
        try {
          const event = parseEvent(stored.body);
          if (differs(event, stored)) throw new Error('its columns are not what its body says');
          if (isForeign(event, stored.payload)) throw new Error('its payload is not the one that the event names');
          evolve(state, event);
        } catch (error) {
          throw new Wrong(`${log}@${stored.position}: ${(error as Error).message.slice(0, 500)}`);
        }
      }
      told((checked += events.length));
    }
    if (state.next !== size) throw new Wrong(`${log} has ${state.next} events, not ${size}`);
    const found = rootOfFrontier(frontier).toString('base64');
    if (found !== root) throw new Wrong(`the events of ${log} have the root ${found}, not ${root}`);
  }
}

const differs = (event: ReturnType<typeof parseEvent>, { position, type, time }: StoredEvent): boolean =>
  event.position !== position || event.type !== type || Date.parse(event.time) !== Date.parse(time);

async function main({ databaseUrl, header, fence }: ImportJob): Promise<void> {
  const tell = (told: ImportTold): void => parentPort?.postMessage(told);
  const imports = new PostgresImports(databaseUrl);
  try {
    await check(imports, header, (checked) => tell({ checked }));
    // Dying here: all is staged and nothing counts; whoever completes it again checks it again.
    await imports.publish(header, fence);
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
