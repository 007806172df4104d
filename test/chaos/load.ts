import { Asker } from '../support/asker';
import type { Random } from '../support/random';
import { ChaosClient } from './client';
import type { Record } from './record';
import { STORIES } from './stories';

export interface LoadOptions {
  readonly url: string;
  readonly keys: Readonly<{ [role: string]: string }>;
  readonly clients: number;
  readonly random: Random;
  readonly record: Record;
}

/** Many clients at once, each telling one story after another. */
export class Load {
  private readonly asker: Asker;
  private readonly clients: Promise<void>[];
  private ending = false;
  told = 0;

  constructor(private readonly options: LoadOptions) {
    this.asker = new Asker(options.url, 256);
    this.clients = Array.from({ length: options.clients }, (_, i) => this.client(i));
  }

  /** Every story that was begun is told to its end. */
  async end(): Promise<void> {
    this.ending = true;
    await Promise.all(this.clients);
    this.asker.close();
  }

  private async client(nth: number): Promise<void> {
    const { keys, record } = this.options;
    const random = this.options.random.fork(nth);
    const client = new ChaosClient({ asker: this.asker, keys, random, record, name: `client${nth}` });
    while (!this.ending) {
      const story = random.pick(STORIES);
      try {
        await story(client, `${nth}-${this.told}`);
        this.told += 1;
      } catch (error) {
        record.findings.push(`client ${nth} could not go on: ${(error as Error).message}`);
        return;
      }
    }
  }
}
