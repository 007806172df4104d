import { Injectable } from '@nestjs/common';
import { importedAt } from '@bailiwick/authority/presentation/views';
import { emptyState } from '@bailiwick/authority/state/state';
import { bodyDigest } from '@bailiwick/authority/state/stored';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { Sources } from '../connections/sources';
import { catchUp, folded } from '../follower/catch-up';
import { LogLedgers } from '../follower/log-ledgers';
import { found, missing } from '../rpc/answers';
import { needsRunFacts } from './filter';
import { inTree } from './in-tree';
import type { EventsQuery } from './queries';
import { scan, type Found, type Page } from './scan';

const NO_EVENTS: Page = { items: [], next: undefined };

/** Lists the events of a log by any of their fields. */
@Injectable()
export class EventsService {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
  ) {}

  async list({
    tenant,
    limit = LIMITS.eventsPageDefault,
    minPosition,
    log = `${tenant}/0`,
    type,
    after = -1,
    ...rest
  }: EventsQuery): Promise<Answer> {
    const { eventlog } = this.sources;
    if (!log.startsWith(`${tenant}/`)) return missing(log);
    const ledger = await this.ledgers.following(log);
    if (!ledger && !(await eventlog.listLogs(tenant)).includes(log)) return missing(log);
    await catchUp([ledger], minPosition);
    const filter = await inTree(this.sources, ledger ? [ledger] : [], rest);
    if (ledger && needsRunFacts(rest)) folded(ledger);
    const state = ledger?.state ?? emptyState(log, tenant, parseLogName(log).n);
    const types = type === undefined ? undefined : [type];
    const { items, next } = filter
      ? await scan(this.sources, state, { ...filter, tenant, types, after, limit })
      : NO_EVENTS;
    const taken = fitting(items);
    return found({
      items: taken.map((each) => ({ ...(shown(each) as object), ...importedAt(state, each.stored.position) })),
      next: (taken.length < items.length ? taken.at(-1)?.stored.position : next) ?? null,
      asOf: { [log]: (await eventlog.head(log)) - 1 },
    });
  }
}

const shown = ({ stored, event, words }: Found): unknown =>
  event ? { ...event, ...(words === null ? {} : { payload: words }) } : unreadable(stored);

/** Represents an event that cannot be read by its columns and the digest of its bytes. */
function unreadable({ log, position, type, time, body }: StoredEvent): unknown {
  return { log, position, type, time, unreadable: true, bodyDigest: bodyDigest(body) };
}

/** Returns the first events up to the size of one page, and at least one. */
function fitting(found: readonly Found[]): readonly Found[] {
  let bytes = 0;
  const end = found.findIndex(({ stored: { body, payload } }, i) => {
    bytes += Buffer.byteLength(body) + Buffer.byteLength(payload ?? '');
    return i > 0 && bytes > LIMITS.pageBytes;
  });
  return end < 0 ? found : found.slice(0, end);
}
