import { Injectable } from '@nestjs/common';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { VIEWERS, type Viewer } from '@bailiwick/authority/presentation/viewers';
import { systemClock } from '@bailiwick/core/clock';
import { Sources } from '../connections/sources';
import { catchUp } from '../follower/catch-up';
import { LogLedgers } from '../follower/log-ledgers';
import { found, missing } from '../rpc/answers';
import { findState, type Kind } from '../search/find-by-id';

/**
 * Runs, grants, trees and approvals that the owner of their log no longer holds because they ended long ago. Their views
 * are those of the owner, with the payloads that were not erased.
 */
@Injectable()
export class ArchivedTrees {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
  ) {}

  /** @throws NotYet if the ledger is behind the log: it can neither describe the subject nor deny that it exists */
  async find(tenant: string, kind: Kind, id: string): Promise<Answer> {
    const { eventlog } = this.sources;
    const ledger = await this.ledgers.find(tenant, id);
    if (!ledger) return missing(id);
    await catchUp([ledger], (await eventlog.head(ledger.state.log)) - 1);
    const position = ledger.position - 1;
    const state = await findState(ledger, this.sources, kind, id);
    const show: Viewer<object> = VIEWERS[kind];
    const view = state && (await show(eventlog, state, id, systemClock.now()));
    if (!view) return missing(id);
    // the view of a tree is as of the end of the log, not as of the last event of the tree
    return found(kind === 'tree' ? { ...view, position } : view);
  }
}
