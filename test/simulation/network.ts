import type { Announcement } from '@bailiwick/messaging/commit-message';
import type { EventSource, SourceSink } from '@bailiwick/messaging/log-follower/follow-log';
import type { Command } from '@bailiwick/contracts/commands/command';
import type { Process } from './process';
import type { FaultRates } from './fault-rates';
import type { World } from './world';

/** A message to a log's owner: commands with one answer each, or a preview request. */
export type Message =
  | { readonly commands: readonly Command[] }
  | { readonly preview: { readonly agentClass: string }; readonly least: number };

/** Serves a log's subject; calls `reply` at most once. */
export interface Server {
  readonly process: Process;
  receive(log: string, message: Message, reply: (answers: string[]) => void): void;
}

/** Carries messages between processes; may lose, repeat or delay them, so they arrive in any order. */
export class Network {
  private readonly servers = new Map<string, Set<Server>>();
  private readonly sinks = new Map<string, Set<{ process: Process; sink: SourceSink }>>();

  constructor(
    private readonly world: World,
    private readonly faultRates: FaultRates,
  ) {}

  serve(log: string, server: Server): { stop(): void } {
    const all = this.servers.get(log) ?? new Set();
    this.servers.set(log, all.add(server));
    return { stop: () => void all.delete(server) };
  }

  /** Sends a message to every server of the log, including stopped ones and former owners that do not know of the new one. */
  request(log: string, message: Message, reply: (answers: string[]) => void): void {
    const all = [...(this.servers.get(log) ?? [])];
    if (all.length > 1) this.world.count('two instances serve a log');
    for (const server of all) {
      this.carry(() =>
        server.process.enter(() =>
          server.receive(log, message, (answers) => {
            if (server.process.alive) this.carry(() => reply(answers));
          }),
        ),
      );
    }
  }

  /** Notifies all followers of the log of a commit. A notification may be lost at any time, even without other faults. */
  publish({ log, next }: Announcement): void {
    for (const { process, sink } of this.sinks.get(log) ?? []) {
      this.carry(() => process.enter(() => sink.head(next)), this.faultRates.lost);
    }
  }

  /** Returns the commit notifications for one process. */
  sourceFor(process: Process): EventSource {
    return {
      subscribe: (log, sink) => {
        const all = this.sinks.get(log) ?? new Set();
        const entry = { process, sink };
        this.sinks.set(log, all.add(entry));
        process.onDeath(() => all.delete(entry));
        return { stop: async () => void all.delete(entry) };
      },
    };
  }

  /** Sends a false notification: that one was lost, or that the log is longer than it is. */
  mislead(log: string): void {
    const { random } = this.world;
    const ahead = random.chance(0.5) ? random.between(1, 500) : undefined;
    for (const { process, sink } of this.sinks.get(log) ?? [])
      process.enter(() => (ahead === undefined ? sink.gap() : sink.head(ahead)));
    this.world.count('false commit notification');
  }

  private carry(arrive: () => void, lost = this.world.calm ? 0 : this.faultRates.lost): void {
    const { world, faultRates } = this;
    const { random } = world;
    if (random.chance(lost)) {
      world.count('message lost');
      return;
    }
    const copies = !world.calm && random.chance(faultRates.repeated) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (i > 0) world.count('message repeated');
      const late = !world.calm && random.chance(faultRates.late);
      if (late) world.count('message late');
      world.after(random.between(0, late ? 4_000 : 6), arrive);
    }
  }
}
