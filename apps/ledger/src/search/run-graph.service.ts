import { Injectable } from '@nestjs/common';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { Sources } from '../connections/sources';
import { LogLedgers } from '../follower/log-ledgers';
import { found, missing } from '../rpc/answers';
import { allActions } from './actions';
import { findState } from './find-by-id';
import type { RunQuery } from './queries';

/** Represents a run, its children and its actions as nodes and edges. */
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
    if (!state || !run) return missing(runId);
    const { treeId } = run; // the index of events is by tree
    const children = (state.trees.get(treeId)?.runs ?? []).filter((each) => each.parentRunId === runId);
    const actions = await allActions(this.sources, state, { tenant, treeId, runId, limit: LIMITS.eventsPageMax });
    const nodes = [
      { id: runId, kind: 'run', label: run.agent.class },
      ...children.map((child) => ({ id: child.id, kind: 'run', label: child.agent.class })),
      ...actions.map(({ id, verb, decision }) => ({ id, kind: 'action', label: verb, status: decision })),
    ];
    const edges = [
      ...children.map((child) => ({ from: runId, to: child.id, kind: 'delegated' })),
      ...actions.map(({ id }) => ({ from: runId, to: id, kind: 'asked' })),
    ];
    return found({ nodes, edges });
  }
}
