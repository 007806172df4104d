import type { IncomingMessage } from 'node:http';
import type { ReplayAnswer, ReplayProgress, ReplayRequest } from '@bailiwick/contracts/replay/replay';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import type { LogClient } from '../log-client/log-client';

export type Update<A = ReplayAnswer> = { progress: ReplayProgress } | { answer: A };

/** A policy that decides instead of the recorded ones. */
export interface Tried {
  /** the canonical JSON of its bundle */
  readonly candidate?: string | undefined;
  /** also returns what it would take from live leases */
  readonly reach?: boolean | undefined;
}

/** A what-if that the ledger computes for one client: polled until there is an answer, canceled when the client leaves. */
export class WhatIf<A = ReplayAnswer> {
  private readonly gone = new AbortController();

  private constructor(
    private readonly logClient: Pick<LogClient, 'ledger'>,
    private readonly tenant: string,
    private readonly id: string,
    private readonly socket: IncomingMessage['socket'],
  ) {
    socket.once('close', this.leave);
    if (socket.destroyed) this.leave(); // the client has disconnected already; no close event follows
  }

  static async start<A = ReplayAnswer>(
    logClient: Pick<LogClient, 'ledger'>,
    { caller, request }: RequestContext,
    wanted: ReplayRequest,
    tried: Tried = {},
  ): Promise<WhatIf<A>> {
    const body = { tenant: caller.tenant, request: wanted, ...tried };
    const { id } = await logClient.ledger<{ id: string }>('replay-start', body);
    return new WhatIf<A>(logClient, caller.tenant, id, request.raw.socket);
  }

  /** Follows a computation that the ledger has started. */
  static of<A>(logClient: Pick<LogClient, 'ledger'>, { caller, request }: RequestContext, id: string): WhatIf<A> {
    return new WhatIf<A>(logClient, caller.tenant, id, request.raw.socket);
  }

  /**
   * The progress, about once a second, and finally the answer.
   * @throws Refused if the ledger refuses it, or the client has left
   */
  async *updates(): AsyncGenerator<Update<A>, void> {
    const named = { tenant: this.tenant, id: this.id };
    try {
      for (;;) {
        if (this.gone.signal.aborted) throw new Refused('NOT_READY', 'the client is gone');
        const update = await this.logClient.ledger<Update<A>>('replay-ask', named);
        if (!('answer' in update) && !('progress' in update))
          throw new Refused('INTERNAL', 'the ledger reported neither progress nor an answer');
        yield update;
        if ('answer' in update) return;
      }
    } finally {
      this.socket.off('close', this.leave);
      // If the gateway dies here, nothing polls the what-if any more, and the ledger cancels it after a time-out.
      if (this.gone.signal.aborted) await this.logClient.ledger('replay-cancel', named).catch(() => undefined);
    }
  }

  private readonly leave = (): void => this.gone.abort();
}

/** Reads every update to the end: a generator that is left early keeps its listener on the client's connection. */
export async function answerOf<A>(updates: AsyncIterable<Update<A>>): Promise<A> {
  let answer: A | undefined;
  for await (const update of updates) if ('answer' in update) ({ answer } = update);
  if (answer) return answer;
  throw new Refused('INTERNAL', 'the what-if ended without an answer');
}

/** A result that was read already, then the others. */
export async function* after<A>(
  first: IteratorResult<Update<A>, void>,
  others: AsyncGenerator<Update<A>, void>,
): AsyncGenerator<Update<A>, void> {
  if (!first.done) yield first.value;
  yield* others;
}
