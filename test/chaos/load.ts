import { RawHttpClient } from '../support/raw-http-client';
import type { Random } from '../support/random';
import { ChaosClient } from './client';
import type { Record } from './record';
import { SCENARIOS } from './scenarios';

export interface LoadOptions {
  readonly url: string;
  readonly keys: Readonly<{ [role: string]: string }>;
  readonly clients: number;
  readonly random: Random;
  readonly record: Record;
}

/** Runs many clients concurrently; each runs one scenario after another. */
export class Load {
  private readonly http: RawHttpClient;
  private readonly clients: Promise<void>[];
  private ending = false;
  completed = 0;

  constructor(private readonly options: LoadOptions) {
    this.http = new RawHttpClient(options.url, 256);
    this.clients = Array.from({ length: options.clients }, (_, i) => this.client(i));
  }

  /** Lets every started scenario finish, then stops all clients. */
  async end(): Promise<void> {
    this.ending = true;
    await Promise.all(this.clients);
    this.http.close();
  }

  private async client(nth: number): Promise<void> {
    const { keys, record } = this.options;
    const random = this.options.random.fork(nth);
    const client = new ChaosClient({ http: this.http, keys, random, record, name: `client${nth}` });
    while (!this.ending) {
      const scenario = random.pick(SCENARIOS);
      try {
        await scenario(client, `${nth}-${this.completed}`);
        this.completed += 1;
      } catch (error) {
        record.findings.push(`client ${nth} failed: ${(error as Error).message}`);
        return;
      }
    }
  }
}
