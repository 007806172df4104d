import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BailiwickClient, type Granted } from '@bailiwick/client/client';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { freePort } from '@bailiwick/platform/local-servers/ports';
import { removeData } from '@bailiwick/platform/local-servers/postgres';
import type { Credentials } from '@bailiwick/cli/context';
import { readStatus, Supervisor } from '@bailiwick/cli/up/supervisor';
import type { Secrets } from '@bailiwick/cli/up/secrets';

/** A complete system with dedicated servers, data and keys, in a folder that is removed when it stops. */
export class System {
  private constructor(
    readonly dataDir: string,
    readonly port: number,
    readonly credentials: Credentials,
    private readonly supervisor: Supervisor,
  ) {}

  static async start(): Promise<System> {
    const dataDir = mkdtempSync(join(tmpdir(), 'bailiwick-bench-'));
    const port = await freePort();
    const supervisor = new Supervisor({ dataDir, port, logLine: () => undefined });
    try {
      return new System(dataDir, port, await supervisor.start(), supervisor);
    } catch (error) {
      removeData(dataDir);
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.supervisor.stop();
    removeData(this.dataDir);
  }

  as(role: string): BailiwickClient {
    return new BailiwickClient({ url: this.credentials.url, key: this.credentials.keys[role] as string });
  }

  get secrets(): Secrets {
    return JSON.parse(readFileSync(join(this.dataDir, 'secrets.json'), 'utf8')) as Secrets;
  }

  pidsOf(service: string): number[] {
    const all = readStatus(this.dataDir)?.services ?? [];
    return all.flatMap(({ name, pid }) => (name === service && pid !== undefined ? [pid] : []));
  }

  get natsUrl(): string {
    return readStatus(this.dataDir)?.nats.url ?? '';
  }

  /** The URL with the role of the delegation service, the only one that may append. */
  get databaseUrl(): string {
    return this.supervisor.databaseUrls.delegation ?? '';
  }
}

const MUCH = 1_000_000_000;
const LEASE: GrantRequest = {
  actions: { allow: ['file.*'] },
  resources: [{ type: 'file', match: 'repo/**' }],
  budget: { calls: MUCH, reads: MUCH, writes: MUCH, external: MUCH },
  time: { ttl: '8h' },
  delegation: { depth: 2, children: 10_000, classes: ['*'] },
};
const NARROWER: GrantRequest = {
  actions: { allow: ['file.read'] },
  resources: [{ type: 'file', match: 'repo/src/**' }],
  budget: { calls: MUCH / 100 },
};

/**
 * Opens trees of one root lease with `leaves` narrower leases below it. The leaves act; both levels are charged.
 * @param more limits of the root lease, and so of the leaves, in addition to those of the others
 * @returns the leaves, or the roots if `leaves` is 0
 */
export async function openLeases(
  system: System,
  trees: number,
  leaves: number,
  more: GrantRequest = {},
): Promise<Granted[]> {
  const orchestrator = system.as('orchestrator');
  const open = async (): Promise<Granted[]> => {
    const root = await orchestrator.openRun({
      agent: { class: 'orchestrator' },
      requestedBy: 'user:owner@example.com',
      purpose: 'Read the sources of acme/clord and report what is unused',
      grant: { ...LEASE, ...more },
    });
    if (!('grant' in root)) throw new Error('the lease requires an approval');
    if (leaves === 0) return [root];
    return Promise.all(
      Array.from({ length: leaves }, () =>
        orchestrator.delegate(root.grant.id, { agent: { class: 'reader' }, task: 'Read one folder', grant: NARROWER }),
      ),
    );
  };
  return (await Promise.all(Array.from({ length: trees }, open))).flat();
}
