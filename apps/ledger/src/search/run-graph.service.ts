import { Injectable } from '@nestjs/common';
import { RunGraphBuilder } from '@bailiwick/authority/graph/run-graph';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { RunGraph } from '@bailiwick/contracts/queries/run-graph';
import { LIMITS } from '@bailiwick/core/limits';
import { Sources } from '../connections/sources';
import { LogLedgers } from '../follower/log-ledgers';
import { found } from '../rpc/answers';
import { findState } from './find-by-id';
import type { RunQuery } from './queries';
import { scan, type Page } from './scan';

/** Represents a run and everything below it as nodes and edges. */
@Injectable()
export class RunGraphService {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
  ) {}

  async graph({ tenant, runId, minPosition }: RunQuery): Promise<Answer> {
    const ledger = await this.ledgers.find(tenant, runId, minPosition);
    const state = ledger && (await findState(ledger, this.sources, 'run', runId));
    const run = state?.runs.get(runId);
    if (!state || !run) return this.ledgers.missing(tenant, runId);
    const builder = new RunGraphBuilder(runId);
    // the index of events is by tree; what is above the run comes before it
    const filter = { tenant, treeId: run.treeId, limit: LIMITS.eventsPageMax };
    let after: number | undefined = run.position - 1;
    for (let seen = 0; after !== undefined && seen < LIMITS.graphEvents; seen += LIMITS.eventsPageMax) {
      const page: Page = await scan(this.sources, state, { ...filter, after });
      for (const { event, words } of page.items) if (event) builder.take(event, words);
      after = page.next;
    }
    const graph: RunGraph = { ...builder.graph(), ...(after === undefined ? {} : { truncated: true }) };
    return found(graph);
  }
}
