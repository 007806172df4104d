import { setAsideRefusal } from '@bailiwick/authority/commands/set-aside';
import { answerOf, wordsNeeded } from '@bailiwick/authority/presentation/responses';
import { asideBy } from '@bailiwick/authority/state/set-aside';
import type { CommandNode, LogState } from '@bailiwick/authority/state/state';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { parseEvent, type Event } from '@bailiwick/contracts/events/event';
import { ArchivedTreeLoader } from '@bailiwick/platform/logs/archived-tree-loader';
import { QueueFullError } from '@bailiwick/platform/serial-queue';
import type { Staged } from './batching/batch';
import type { OwnerOptions } from './ports';
import type { Previews } from './previews';
import { notReady, tooMany } from './refusals';
import { stateForResponse, textsFor } from './response-texts';

/** Builds the responses to committed commands. That may read texts from the event log, so it runs after the commit. */
export class Responder {
  private readonly pendingResponses = new Set<Promise<void>>();
  /** trees that the state no longer holds, for responses to retries */
  private readonly archivedTrees: ArchivedTreeLoader;

  constructor(
    private readonly options: Pick<OwnerOptions, 'log' | 'eventlog' | 'warn'>,
    private readonly previews: Previews,
  ) {
    this.archivedTrees = new ArchivedTreeLoader(options.log);
  }

  respond(state: LogState, staged: Staged): void {
    const response = this.respondTo(state, staged).finally(() => this.pendingResponses.delete(response));
    this.pendingResponses.add(response);
  }

  /** Resolves when all responses started so far are sent. */
  settled(): Promise<unknown> {
    return Promise.all(this.pendingResponses);
  }

  private async respondTo(state: LogState, staged: Staged): Promise<void> {
    if (!staged.item) return;
    try {
      staged.item.resolve(await this.withPreview(staged, staged.answer ?? (await this.responseTo(state, staged))));
    } catch (error) {
      if (error instanceof QueueFullError) return staged.item.resolve(tooMany(error.message));
      this.options.warn('a response could not be built', error);
      staged.item.resolve(
        notReady('the decision was written but the response could not be built; retry with the same key'),
      );
    }
  }

  /** Attaches a new preview to a refusal that asks for one, and how it differs from the one that was sent. If it cannot be counted now, the refusal goes without it. */
  private async withPreview({ shows }: Staged, answer: Answer): Promise<Answer> {
    if (!shows || answer.ok) return answer;
    const preview = await this.previews.count(shows).catch(() => undefined);
    if (!preview) return answer;
    const grew = this.previews.growth(shows.previewed?.digest, preview);
    return { ok: false, refusal: { ...answer.refusal, extra: { preview, ...(grew ? { grew } : {}) } } };
  }

  private async responseTo(state: LogState, { events, replay }: Staged): Promise<Answer> {
    const { eventlog } = this.options;
    const made = replay ? await this.storedEvents(replay) : events;
    const aside = replay && made.map(({ treeId }) => asideBy(state, treeId)).find((each) => each !== undefined);
    if (aside) return { ok: false, refusal: setAsideRefusal(aside.position) };
    const known = replay ? await stateForResponse(eventlog, state, made, this.archivedTrees) : state;
    return answerOf(known, made, await textsFor(eventlog, known, wordsNeeded(made)));
  }

  private async storedEvents({ first, count }: CommandNode): Promise<Event[]> {
    const events = await this.options.eventlog.read(this.options.log, first, count);
    return events.map((event) => parseEvent(event.body));
  }
}
