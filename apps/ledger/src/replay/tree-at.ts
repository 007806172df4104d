import { Injectable } from '@nestjs/common';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { parseTime } from '@bailiwick/core/clock';
import { treeState } from '@bailiwick/platform/logs/tree-state';
import { showTree } from '@bailiwick/authority/presentation/viewers';
import { Sources } from '../connections/sources';
import { folded } from '../follower/catch-up';
import { LogLedgers } from '../follower/log-ledgers';
import { found, missing, refuse } from '../rpc/answers';
import { isTree } from '../search/find-by-id';
import { lastAt } from '../search/position-at';

/** Time to wait for a position that the ledger has not reached. */
const REACH_MS = 2_000;

/** A tree as it was after a position or at a time, folded from the events of the tree alone. */
@Injectable()
export class TreeAtService {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
  ) {}

  /** @param at a position, or an RFC 3339 time */
  async find(tenant: string, treeId: string, at: string): Promise<Answer> {
    const { eventlog, store } = this.sources;
    const time = parseTime(at);
    const asked = /^\d{1,15}$/.test(at) ? Number(at) : undefined;
    if (time === undefined && asked === undefined)
      return refuse('BAD_REQUEST', 'at must be a position or an RFC 3339 time');
    const ledger = await this.ledgers.find(tenant, treeId);
    if (!ledger || !(await isTree(ledger, store, treeId))) return this.ledgers.missing(tenant, treeId);
    if (asked !== undefined && asked >= ledger.position && !(await ledger.reached(asked, REACH_MS)))
      return refuse('NOT_FOUND', `the log has not reached position ${asked} yet`);
    const { log } = ledger.state;
    const position = asked ?? (await lastAt(eventlog, log, ledger.position, time as number));
    const [last] = position < 0 ? [] : await eventlog.at(log, [position]);
    if (!last) return missing(treeId);
    const state = await ledger.folding.take(() => treeState(folded(ledger), eventlog, treeId, position + 1));
    const view = await showTree(eventlog, state, treeId, time ?? (parseTime(last.time) as number));
    return view ? found({ ...view, position }) : missing(treeId);
  }
}
