import type { Announcement } from '@bailiwick/messaging/cloudevent';
import type { EventSource, SourceSink } from '@bailiwick/messaging/log-follower/follow-log';
import type { Command } from '@bailiwick/contracts/command';
import type { Process } from './process';
import type { Weather } from './weather';
import type { World } from './world';

/** What a message to a log's owner asks: commands, answered one each, or one reading. */
export type Message =
  | { readonly commands: readonly Command[] }
  | { readonly preview: { readonly agentClass: string }; readonly least: number };

/** Serves a log's subject; `reply` may be called once, or never. */
export interface Server {
  readonly process: Process;
  receive(log: string, message: Message, reply: (answers: string[]) => void): void;
}

/** Messages between processes: lost, repeated, late, and so in any order. */
export class Network {
  private readonly servers = new Map<string, Set<Server>>();
  private readonly sinks = new Map<string, Set<{ process: Process; sink: SourceSink }>>();

  constructor(
    private readonly world: World,
    private readonly weather: Weather,
  ) {}

  serve(log: string, server: Server): { stop(): void } {
    const all = this.servers.get(log) ?? new Set();
    this.servers.set(log, all.add(server));
    return { stop: () => void all.delete(server) };
  }

  /** To all who serve the log; also to those that stand still, and to those that do not know yet that another does. */
  request(log: string, message: Message, reply: (answers: string[]) => void): void {
    const all = [...(this.servers.get(log) ?? [])];
    if (all.length > 1) this.world.count('two serve a log');
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

  /** What was committed is told to all who follow the log. No news is ever sure to arrive, not even when all is calm. */
  publish({ log, next }: Announcement): void {
    for (const { process, sink } of this.sinks.get(log) ?? []) {
      this.carry(() => process.enter(() => sink.head(next)), this.weather.lost);
    }
  }

  /** What one process hears of commits. */
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

  /** News that is none: that something was lost, or that the log reaches further than it does. */
  mislead(log: string): void {
    const { random } = this.world;
    const ahead = random.chance(0.5) ? random.between(1, 500) : undefined;
    for (const { process, sink } of this.sinks.get(log) ?? [])
      process.enter(() => (ahead === undefined ? sink.gap() : sink.head(ahead)));
    this.world.count('news that is none');
  }

  private carry(arrive: () => void, lost = this.world.calm ? 0 : this.weather.lost): void {
    const { world, weather } = this;
    const { random } = world;
    if (random.chance(lost)) {
      world.count('message lost');
      return;
    }
    const copies = !world.calm && random.chance(weather.repeated) ? 2 : 1;
    for (let i = 0; i < copies; i++) {
      if (i > 0) world.count('message repeated');
      const late = !world.calm && random.chance(weather.late);
      if (late) world.count('message late');
      world.after(random.between(0, late ? 4_000 : 6), arrive);
    }
  }
}
