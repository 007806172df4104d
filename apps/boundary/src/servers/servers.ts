import { readFileSync, statSync } from 'node:fs';
import { identityOf, registeredIdentity, type McpServerConfig } from '@bailiwick/contracts/mcp/mcp-server';
import { canonicalDigest } from '@bailiwick/core/digest';
import { parseExactly } from '@bailiwick/core/json';
import type { Logger } from '@bailiwick/platform/logging';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { Connector } from '../upstream/connect';
import { Upstream } from '../upstream/upstream';
import type { Registry } from './registry';
import { mcpFile, type ServerConfig } from './server-config';

interface Registered {
  readonly tenant: string;
  readonly name: string;
  readonly config: McpServerConfig;
  readonly digest: string;
  readonly upstream: Upstream;
}

const LOOK_MS = 1_000;
/** How often servers in use are looked for that were removed or replaced, ms. */
const SWEEP_MS = 2_000;

/**
 * The upstream servers: those of `mcp.json`, and those that administrators registered. A change is effective within a
 * second; a file that is invalid is not. A name in the file hides a registered server of the same name and tenant.
 */
export class Servers {
  private inFile = new Map<string, Registered>();
  private readonly registered = new Map<string, Registered>();
  private version = '';
  private checkedAt = -Infinity;
  private readonly sweeping = setInterval(() => void this.sweep(), SWEEP_MS).unref();

  constructor(
    private readonly file: string,
    private readonly registry: Pick<Registry, 'find'>,
    private readonly connector: Connector,
    private readonly logger: Logger,
  ) {}

  /**
   * Returns a server of a tenant; undefined for one of another tenant too.
   * @param fresh as it is registered now, and not at most a second ago
   * @throws Refused NOT_READY (I11)
   */
  async find(tenant: string, name: string, fresh = false): Promise<Upstream | undefined> {
    this.refresh();
    const found = this.inFile.get(name);
    if (found?.tenant === tenant) return found.upstream;
    const config = await this.registry.find(tenant, name, fresh);
    return this.current(tenant, name, config)?.upstream;
  }

  /** Returns the servers of a tenant in `mcp.json`, by name. */
  listed(tenant: string): { readonly name: string; readonly upstream: McpServerConfig['upstream'] }[] {
    this.refresh();
    return [...this.inFile.values()]
      .filter((each) => each.tenant === tenant)
      .map(({ name, config }) => ({ name, upstream: config.upstream }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async close(): Promise<void> {
    clearInterval(this.sweeping);
    await Promise.all([...this.inFile.values(), ...this.registered.values()].map(({ upstream }) => upstream.close()));
  }

  /** Takes the present settings of a registered server, and closes what was connected by earlier ones. */
  private current(tenant: string, name: string, config: McpServerConfig | undefined): Registered | undefined {
    const key = `${tenant}\n${name}`;
    const known = this.registered.get(key);
    const digest = config && canonicalDigest(config);
    if (known && known.digest === digest) return known;
    if (known) void known.upstream.close();
    this.registered.delete(key);
    if (!config || digest === undefined) return undefined;
    const identity = registeredIdentity(config);
    const upstream = this.make({ tenant, name, config, identity, source: 'api' });
    const next = { tenant, name, config, digest, upstream };
    this.registered.set(key, next);
    return next;
  }

  private async sweep(): Promise<void> {
    for (const { tenant, name } of [...this.registered.values()])
      try {
        this.current(tenant, name, await this.registry.find(tenant, name));
      } catch {
        // calls are refused as well while it cannot be read
      }
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
    for (const [name, { tenant, ...config }] of Object.entries(readServers(this.file))) {
      const digest = canonicalDigest({ tenant, config });
      const known = this.inFile.get(name);
      const make = (): Upstream =>
        this.make({ tenant, name, config, identity: identityOf(config.upstream), source: 'file' });
      next.set(name, known?.digest === digest ? known : { tenant, name, config, digest, upstream: make() });
    }
    for (const [name, { upstream }] of this.inFile) if (next.get(name)?.upstream !== upstream) void upstream.close();
    this.inFile = next;
  }

  private make(server: Parameters<Connector>[0]): Upstream {
    return new Upstream(server, () => this.connector(server), this.logger);
  }

  private versionOfFile(): string {
    const stat = statSync(this.file, { bigint: true, throwIfNoEntry: false });
    return stat ? `${stat.ino} ${stat.mtimeNs} ${stat.size}` : '';
  }
}

/** Reads the servers of `mcp.json`. @throws Error naming what is wrong */
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
