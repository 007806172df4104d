import { readFileSync, statSync } from 'node:fs';
import { canonicalDigest } from '@bailiwick/core/digest';
import { parseExactly } from '@bailiwick/core/json';
import type { Logger } from '@bailiwick/platform/logging';
import { BOUNDARY_LIMITS } from '../limits';
import { connect } from '../upstream/connect';
import { Upstream } from '../upstream/upstream';
import { mcpFile, type ServerConfig } from './server-config';

interface Registered {
  readonly name: string;
  readonly digest: string;
  readonly config: ServerConfig;
  readonly upstream: Upstream;
}

const LOOK_MS = 1_000;

/** The registered upstream servers. A change of `mcp.json` is effective within a second; one that is invalid is not. */
export class Servers {
  private registered = new Map<string, Registered>();
  private version = '';
  private checkedAt = -Infinity;

  constructor(
    private readonly file: string,
    private readonly logger: Logger,
  ) {}

  /** Returns a server of a tenant; undefined for one of another tenant too. */
  find(tenant: string, name: string): Upstream | undefined {
    this.refresh();
    const found = this.registered.get(name);
    return found?.config.tenant === tenant ? found.upstream : undefined;
  }

  /** Returns the servers of a tenant, by name. */
  list(tenant: string): Upstream[] {
    this.refresh();
    return [...this.registered.values()]
      .filter(({ config }) => config.tenant === tenant)
      .map(({ upstream }) => upstream)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async close(): Promise<void> {
    await Promise.all([...this.registered.values()].map(({ upstream }) => upstream.close()));
  }

  private refresh(): void {
    if (performance.now() - this.checkedAt < LOOK_MS) return;
    this.checkedAt = performance.now();
    if (this.versionOfFile() === this.version) return;
    try {
      this.load();
    } catch (error) {
      this.version = this.versionOfFile();
      this.logger.error({ err: error }, 'mcp.json is not valid; the servers stay as they were');
    }
  }

  private load(): void {
    this.version = this.versionOfFile();
    const next = new Map<string, Registered>();
    for (const [name, config] of Object.entries(readServers(this.file))) {
      const digest = canonicalDigest(config);
      const known = this.registered.get(name);
      next.set(name, known?.digest === digest ? known : { name, digest, config, upstream: this.make(name, config) });
    }
    for (const [name, { upstream }] of this.registered)
      if (next.get(name)?.upstream !== upstream) void upstream.close();
    this.registered = next;
  }

  private make(name: string, config: ServerConfig): Upstream {
    return new Upstream(name, config, () => connect(name, config, this.logger), this.logger);
  }

  private versionOfFile(): string {
    const stat = statSync(this.file, { bigint: true, throwIfNoEntry: false });
    return stat ? `${stat.ino} ${stat.mtimeNs} ${stat.size}` : '';
  }
}

/** Reads the registered servers. @throws Error naming what is wrong */
export function readServers(file: string): Record<string, ServerConfig> {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return {};
  if (stat.size > BOUNDARY_LIMITS.configBytes)
    throw new Error(`${file} is larger than ${BOUNDARY_LIMITS.configBytes} bytes`);
  const parsed = mcpFile.safeParse(parseExactly(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data.servers;
  const [issue] = parsed.error.issues;
  throw new Error(`${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
}
