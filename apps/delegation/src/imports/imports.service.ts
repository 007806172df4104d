import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { ExportHeader, ImportView } from '@bailiwick/contracts/transfer/export';
import { query as querySchema, type Query } from '@bailiwick/contracts/queries/query';
import { BadExport, checkHeads } from '@bailiwick/transparency-log/exported';
import type { EventLog, Fence } from '@bailiwick/event-store/port';
import type { PostgresImports } from '@bailiwick/event-store/postgres/imports';
import type { ImportKeys } from '@bailiwick/platform/keys/import-keys';
import { parseLogName } from '@bailiwick/core/ids';
import type { Config } from '@bailiwick/platform/config';
import type { Logger } from 'pino';
import { CONFIG, EVENT_LOG, IMPORT_KEYS, LOGGER, STAGED_IMPORTS, type ReadImportKeys } from '../connections/tokens';
import type { ImportJob, ImportReport } from './import-worker';

type Step = Extract<Query, { op: 'import' }>['step'];

/** The verification of staged events in a worker thread: folding a million events takes a minute. */
interface Checking {
  checked: number;
  state: ImportView['state'];
  detail?: string;
}

const found = (value: ImportView): Answer => ({ ok: true, value });
const refuse = (code: string, detail: string): Answer => ({ ok: false, refusal: { code, detail } });
const NOT_STARTED = refuse('NOT_FOUND', 'no import into this tenant has been started');

/** Imports tenants whose first logs this process owns. Staged events have no effect until the import is complete. */
@Injectable()
export class ImportsService implements OnModuleDestroy {
  private readonly checkings = new Map<string, Checking>();
  private readonly workers = new Set<Worker>();

  constructor(
    @Inject(STAGED_IMPORTS) private readonly imports: PostgresImports,
    @Inject(EVENT_LOG) private readonly eventlog: Pick<EventLog, 'head'>,
    @Inject(CONFIG) private readonly config: Pick<Config, 'databaseUrl'>,
    @Inject(IMPORT_KEYS) private readonly pinned: ReadImportKeys,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  /**
   * Carries out one step of an import.
   * @param fence proves that this process owns the tenant's first log
   * @param imported called after the events of the log were replaced
   */
  async step(raw: unknown, fence: Fence, imported: () => void): Promise<Answer> {
    const parsed = querySchema.safeParse(raw);
    if (!parsed.success || parsed.data.op !== 'import')
      return refuse('BAD_REQUEST', parsed.error?.issues[0]?.message ?? 'malformed step of an import');
    const { tenant } = parseLogName(parsed.data.log);
    const { step } = parsed.data;
    if (step.kind === 'begin') return this.start(step.header, step.live === true);
    const known = await this.imports.started(tenant);
    if (!known) return NOT_STARTED;
    const { header, live, done } = known;
    if (step.kind === 'look' || done || this.isChecking(tenant)) return found(await this.view(header, done));
    if (step.kind === 'complete') return this.unpinned(header, live) ?? this.complete(header, live, fence, imported);
    return this.add(header, step.events);
  }

  async onModuleDestroy(): Promise<void> {
    await Promise.all([...this.workers].map((worker) => worker.terminate()));
  }

  private isChecking(tenant: string): boolean {
    return this.checkings.get(tenant)?.state === 'checking';
  }

  private async start(header: ExportHeader, live: boolean): Promise<Answer> {
    const { tenant } = header;
    const known = await this.imports.started(tenant);
    const isSame = known && known.live === live && JSON.stringify(known.header) === JSON.stringify(header);
    if (isSame && (known.done || this.isChecking(tenant))) return found(await this.view(header, known.done));
    if (this.isChecking(tenant))
      return refuse('CONFLICT', 'another import into this tenant is being completed; try again when it has ended');
    try {
      checkHeads(header);
    } catch (error) {
      if (error instanceof BadExport) return refuse('BAD_REQUEST', error.message);
      throw error;
    }
    for (const { log } of header.logs) {
      const head = await this.eventlog.head(log);
      if (head > 0) return refuse('CONFLICT', `${log} already has ${head} events: import into a tenant without events`);
    }
    // not 403: it would be recorded in the log, which would then no longer be empty
    const untrusted = this.unpinned(header, live);
    if (untrusted) return untrusted;
    if (isSame) return found(await this.view(header, false));
    await this.imports.begin(header, live);
    this.checkings.delete(tenant);
    return found(await this.view(header, false));
  }

  /** Refuses a log whose key is not pinned: an export names its own key, and only the operator decides which to trust. */
  private unpinned({ logs }: ExportHeader, live: boolean): Answer | undefined {
    let keys: ImportKeys;
    try {
      keys = this.pinned();
    } catch (error) {
      return refuse('CONFLICT', `the pinned keys cannot be read: ${(error as Error).message}`);
    }
    for (const { log, vkey } of logs) {
      const pin = keys.find((each) => each.vkey.trim() === vkey.trim());
      if (!pin)
        return refuse(
          'CONFLICT',
          `${log} is signed by ${vkey.trim()}, which the operator of this installation has not pinned: compare it with the key that the origin shows at /log/${log}/vkey, then add { "vkey": … } to import-keys.json in the data directory of the delegation service (\`bailiwick import --origin-key\`)`,
        );
      if (live && !pin.continue)
        return refuse(
          'CONFLICT',
          `the key of ${log} is pinned for history only: to keep its leases alive, set "continue": true for the key in import-keys.json; otherwise import it without "continue"`,
        );
    }
    return undefined;
  }

  private async add(header: ExportHeader, events: Extract<Step, { kind: 'events' }>['events']): Promise<Answer> {
    const sizes = new Map(header.logs.map(({ log, size }) => [log, size]));
    const outside = events.find(({ log, position }) => position >= (sizes.get(log) ?? 0));
    if (outside) return refuse('BAD_REQUEST', `${outside.log}@${outside.position} is not part of this import`);
    const next = await this.imports.next(header);
    const wanted = new Map(Object.entries(next));
    for (const { log, position } of events) {
      const at = wanted.get(log) ?? 0;
      if (position > at) return refuse('CONFLICT', `expected ${log}@${at}, got position ${position}`);
      wanted.set(log, Math.max(at, position + 1));
    }
    const fresh = events.filter(({ log, position }) => position >= (next[log] ?? 0));
    if (fresh.length > 0) await this.imports.add(fresh);
    return found({ tenant: header.tenant, state: 'receiving', next: Object.fromEntries(wanted), checked: 0 });
  }

  private async complete(header: ExportHeader, live: boolean, fence: Fence, imported: () => void): Promise<Answer> {
    const checking: Checking = { checked: 0, state: 'checking' };
    this.checkings.set(header.tenant, checking);
    const workerData: ImportJob = { databaseUrl: this.config.databaseUrl, header, live, fence };
    const worker = new Worker(join(__dirname, 'import-worker.js'), { workerData });
    this.workers.add(worker);
    worker.on('message', (report: ImportReport) => {
      if ('checked' in report) checking.checked = report.checked;
      else if ('refused' in report) Object.assign(checking, { state: 'refused', detail: report.refused });
      else {
        checking.state = 'done';
        imported();
      }
    });
    worker.on('error', (error) => {
      this.logger.warn({ err: error }, `the import of ${header.tenant} could not be completed`);
      Object.assign(checking, { state: 'receiving', detail: 'the import could not be completed; try again' });
    });
    worker.on('exit', () => {
      this.workers.delete(worker);
      if (checking.state === 'checking') checking.state = 'receiving';
    });
    return found(await this.view(header, false));
  }

  private async view(header: ExportHeader, done: boolean): Promise<ImportView> {
    const { tenant, logs } = header;
    const sizes = Object.fromEntries(logs.map(({ log, size }) => [log, size]));
    const all = Object.values(sizes).reduce((sum, size) => sum + size, 0);
    if (done) return { tenant, state: 'done', next: sizes, checked: all };
    const checking = this.checkings.get(tenant);
    const next = await this.imports.next(header);
    // it may have been completed since the caller read `done`: the next step reports it
    const state = checking?.state === 'done' ? 'checking' : (checking?.state ?? 'receiving');
    return {
      tenant,
      state,
      next,
      checked: checking?.checked ?? 0,
      ...(checking?.detail === undefined ? {} : { detail: checking.detail }),
    };
  }
}
