import type { DecidedAction } from '@bailiwick/contracts/events/event';

/** The pairs of verb and tool that calls used, most of which repeat the same few. */
export class UsedVerbs {
  private readonly used = new Map<string, readonly [string, string | undefined]>();

  add({ verb, tool }: Pick<DecidedAction, 'verb' | 'tool'>): void {
    if (this.used.size >= MOST) return;
    this.used.set(tool === undefined ? verb : `${verb} ${tool}`, [verb, tool]); // a verb contains no space
  }

  pairs(): Iterable<readonly [string, string | undefined]> {
    return this.used.values();
  }
}

const MOST = 10_000;
