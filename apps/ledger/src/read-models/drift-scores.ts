import { Injectable } from '@nestjs/common';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { readWhereReadable, type Words } from '@bailiwick/contracts/events/payload';
import { LIMITS } from '@bailiwick/core/limits';
import { Sources } from '../connections/sources';
import { LogLedgers } from '../follower/log-ledgers';
import { found } from '../rpc/answers';
import { findState } from '../search/find-by-id';
import type { RunQuery } from '../search/queries';

/** The drift scores of a run, with the quoted texts that were not erased. */
@Injectable()
export class DriftScores {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
  ) {}

  async ofRun({ tenant, runId, minPosition }: RunQuery): Promise<Answer> {
    const { eventlog, store } = this.sources;
    const ledger = await this.ledgers.find(tenant, runId, minPosition);
    const state = ledger && (await findState(ledger, this.sources, 'run', runId));
    const run = state?.runs.get(runId);
    if (!state || !run) return this.ledgers.missing(tenant, runId);
    const scores = await store.items('drift', { tenant, run, limit: LIMITS.eventsPageMax });
    const stored = await eventlog.at(
      state.log,
      scores.map(({ position }) => position),
    );
    const payloads = new Map(stored.map((each) => [each.position, readWhereReadable(each)?.payload ?? null]));
    return found({
      runId,
      drift: run.drift,
      scores: scores.map(({ position, view }) => withQuotes(view, payloads.get(position))),
    });
  }
}

/** Replaces the text of each feature by the quotation in the payload of the event, if it has one. */
function withQuotes(view: unknown, payload: Words | null | undefined): unknown {
  const score = view as { features: { name: string; says: string }[] };
  const quotes = (payload?.features ?? {}) as Record<string, unknown>;
  return {
    ...score,
    features: score.features.map((each) =>
      typeof quotes[each.name] === 'string' ? { ...each, says: quotes[each.name] } : each,
    ),
  };
}
