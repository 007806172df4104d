import type { RunView } from '@bailiwick/contracts/grants/grant';
import { readWhereReadable, type Words } from '@bailiwick/contracts/events/payload';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import type { Filter } from '@bailiwick/contracts/queries/search';
import { LIMITS } from '@bailiwick/core/limits';
import type { LogLedger } from '../follower/log-ledger';
import { needsRunFacts, rowMatcher, containsAllWords, textIn } from './filter';
import type { Sources } from '../connections/sources';
import { FactsOfRuns } from './run-facts';
import type { Spot } from './cursor';
import { positionAt } from './scan';
import type { Item } from '../read-models/entities/item';

/** rows read at once if a filter discards some of them */
const STEP = 1_000;

type Asked = Partial<Filter<'runs'> & Filter<'grants'> & Filter<'approvals'>>;

/**
 * Returns the rows of one kind of one log that match a filter, in the order of the events that created them, or against
 * it. A page may be short or empty although more rows match, because one request reads a bounded number of rows.
 */
export async function rowsOf(
  kind: Item['kind'],
  { store, eventlog }: Sources,
  ledger: LogLedger,
  { after, limit, q, from, to, order, ...asked }: Asked & { tenant: string; after: Spot; limit: number },
  most: number = LIMITS.eventsSeen,
): Promise<{ items: Item[]; next: Spot | undefined }> {
  const { state } = ledger;
  const { log, next: head } = state;
  const [first, before] = [
    await positionAt(eventlog, log, from, head, 0),
    await positionAt(eventlog, log, to, head, Number.MAX_SAFE_INTEGER),
  ];
  const facts = new FactsOfRuns(state, { eventlog, store });
  const matches = rowMatcher(asked, facts.of);
  const needsFacts = needsRunFacts({ ...asked, agentClass: undefined }); // the agent class is a column
  const hasWords = q === undefined ? undefined : containsAllWords(q);
  const openings = new Openings(ledger, { eventlog, store });
  const items: Item[] = [];
  let at = after;
  for (let seen = 0; seen < most;) {
    const step = Math.min(matches || hasWords ? STEP : limit + 1, most - seen);
    const page = await store.rows(kind, log, { ...asked, order, first, before, after: at, limit: step });
    if (needsFacts) await facts.fetch(page.rows.map(({ runId }) => runId));
    const near = page.rows.filter((row) => matches?.(row) ?? true);
    if (hasWords || kind === 'run') await openings.fetch(near);
    for (const row of page.rows) {
      const wanted = near.includes(row) && (hasWords?.([...openings.texts(row), ...endOf(row)]) ?? true);
      if (wanted && items.length === limit) return { items, next: at };
      if (wanted) items.push(kind === 'run' ? openings.addTexts(row) : row);
      at = { position: row.position, id: row.id };
    }
    seen += page.rows.length;
    if (page.rows.length < step) return { items, next: page.next };
  }
  return { items, next: at };
}

const endOf = ({ view }: Item): string[] => {
  const { endReason } = view as { endReason?: string };
  return endReason === undefined ? [] : [endReason];
};

interface Opening {
  /** null after erasure */
  readonly words: Words | null;
  readonly openedBy: string | undefined;
}

function openingIn(stored: StoredEvent): Opening {
  const { event, payload } = readWhereReadable(stored) ?? {};
  return { words: payload ?? null, openedBy: event?.actor.id };
}

/** The payloads of the events that opened the runs of rows. Read for each request, so that erased texts do not appear. */
class Openings {
  private readonly byPosition = new Map<number, Opening>();
  /** the positions at which a run and the root run of its tree opened: a child without a purpose has the root's */
  private readonly byRun = new Map<string, readonly number[]>();

  constructor(
    private readonly ledger: LogLedger,
    private readonly from: Sources,
  ) {}

  async fetch(rows: readonly Item[]): Promise<void> {
    await this.find(rows);
    const { log } = this.ledger.state;
    const missing = [...new Set(rows.flatMap((row) => this.openings(row)))].filter((at) => !this.byPosition.has(at));
    if (missing.length === 0) return;
    for (const stored of await this.from.eventlog.at(log, missing))
      this.byPosition.set(stored.position, openingIn(stored));
  }

  /** Finds the positions at which the runs of rows opened, in the state or in the rows of the runs. */
  private async find(rows: readonly Item[]): Promise<void> {
    const { runs, trees } = this.ledger.state;
    const missing = new Set<string>();
    for (const { runId } of rows) {
      if (runId === undefined || this.byRun.has(runId)) continue;
      const run = runs.get(runId);
      const root = runs.get(trees.get(run?.treeId ?? '')?.rootRunId ?? '');
      if (run && root) this.byRun.set(runId, [run.position, root.position]);
      else missing.add(runId);
    }
    if (missing.size > 0) await this.findArchived([...missing]);
  }

  private async findArchived(runIds: readonly string[]): Promise<void> {
    const { store } = this.from;
    const { log } = this.ledger.state;
    const rows = await store.places(log, 'run', runIds);
    const treeIds = new Set(rows.map(({ treeId }) => treeId).filter((each) => each !== undefined));
    const roots = await store.roots(log, [...treeIds]);
    const rootOf = new Map(roots.map(({ treeId, position }) => [treeId, position]));
    for (const { id, position, treeId } of rows) this.byRun.set(id, [position, rootOf.get(treeId) ?? position]);
  }

  private openings({ runId }: Item): readonly number[] {
    return this.byRun.get(runId ?? '') ?? [];
  }

  texts(row: Item): string[] {
    return this.openings(row).flatMap((position) => textIn(this.byPosition.get(position)?.words ?? null));
  }

  addTexts(row: Item): Item {
    const [own, root] = this.openings(row).map((position) => this.byPosition.get(position));
    const text = (key: string): string | null => {
      const [mine, above] = [own?.words?.[key], root?.words?.[key]];
      return typeof mine === 'string' ? mine : typeof above === 'string' ? above : null;
    };
    const task = own?.words?.task;
    const view: Partial<RunView> = {
      ...(row.view as RunView),
      requestedBy: text('requestedBy'),
      ...(root?.openedBy === undefined ? {} : { requestedByStatedBy: root.openedBy }),
      purpose: text('purpose'),
      ...(typeof task === 'string' ? { task } : {}),
    };
    return { ...row, view };
  }
}
