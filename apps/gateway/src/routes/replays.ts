import type { IncomingMessage } from 'node:http';
import {
  replayAnswer,
  replayRequest,
  type ReplayAnswer,
  type ReplayProgress,
  type ReplayRequest,
} from '@bailiwick/contracts/replay';
import { parseLogName } from '@bailiwick/core/ids';
import { logOf } from '../log-client/logs';
import { NDJSON, pour } from '../http/ndjson';
import { Refused } from '../http/problem';
import { route, type Context, type Route } from '../http/route';

type Told = { progress: ReplayProgress } | { answer: ReplayAnswer };

/** A what-if that the ledger makes for one client: asked about until there is an answer, given up when the client goes. */
class Replay {
  private readonly gone = new AbortController();

  private constructor(
    private readonly owners: Context['services']['owners'],
    private readonly tenant: string,
    private readonly id: string,
    private readonly socket: IncomingMessage['socket'],
  ) {
    socket.once('close', this.leave);
    if (socket.destroyed) this.leave(); // gone meanwhile: it will never say that it closes
  }

  static async start({ services, caller, request }: Context, wanted: ReplayRequest): Promise<Replay> {
    const body = { tenant: caller.tenant, request: wanted };
    const { id } = await services.owners.ledger<{ id: string }>('replay-start', body);
    return new Replay(services.owners, caller.tenant, id, request.raw.socket);
  }

  /**
   * How far it is, every second or so, and in the end the answer.
   * @throws Refused where it could not be made, or the client is gone
   */
  async *tells(): AsyncGenerator<Told, void> {
    const named = { tenant: this.tenant, id: this.id };
    try {
      for (;;) {
        if (this.gone.signal.aborted) throw new Refused('NOT_READY', 'the client is gone');
        const told = await this.owners.ledger<Told>('replay-ask', named);
        yield told;
        if ('answer' in told) return;
      }
    } finally {
      this.socket.off('close', this.leave);
      // the gateway dying here: nobody asks about it any more, and the ledger gives it up by itself
      if (this.gone.signal.aborted) await this.owners.ledger('replay-cancel', named).catch(() => undefined);
    }
  }

  private readonly leave = (): void => this.gone.abort();
}

/** Takes all of them: what is left in the middle does not let go of the client's connection. */
async function answerOf(all: AsyncIterable<Told>): Promise<ReplayAnswer> {
  let answer: ReplayAnswer | undefined;
  for await (const told of all) if ('answer' in told) ({ answer } = told);
  if (answer) return answer;
  throw new Refused('INTERNAL', 'the what-if ended without an answer');
}

/** What was taken of them already, and the others. */
async function* after(
  first: IteratorResult<Told, void>,
  others: AsyncGenerator<Told, void>,
): AsyncGenerator<Told, void> {
  if (!first.done) yield first.value;
  yield* others;
}

export const replayRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/v1/replays',
    summary:
      'What if: every recorded action decided again under other limits, policy or drift settings, and what follows from it',
    roles: ['analyst'],
    streams: true,
    body: replayRequest,
    answer: replayAnswer,
    async handle(context) {
      const { caller, body } = context;
      if (body.treeId !== undefined) logOf(caller, body.treeId);
      if (body.log !== undefined && parseLogName(body.log).tenant !== caller.tenant)
        throw new Refused('NOT_FOUND', `no log ${body.log} is known here`);
      const told = (await Replay.start(context as unknown as Context, body)).tells();
      const all = after(await told.next(), told); // what is refused at once is refused with its status, not as a line
      if (!(context.request.headers.accept ?? '').includes(NDJSON)) return { body: await answerOf(all) };
      return {
        stream: (reply) =>
          pour(reply, 'the what-if could not be made', async (line) => {
            for await (const told of all) line(told);
          }),
      };
    },
  }),
];
