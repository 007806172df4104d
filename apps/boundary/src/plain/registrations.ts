import { readFileSync, statSync } from 'node:fs';
import { parseExactly } from '@bailiwick/core/json';
import type { Logger } from '@bailiwick/platform/logging';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { httpFile, type HttpFile } from './registration';

type Kind = keyof HttpFile;
const LOOK_MS = 1_000;
const NONE: HttpFile = { apis: {}, models: {} };

/** What `http.json` registers. A change of it is effective within a second; one that is invalid is not. */
export class Registrations {
  private registered = NONE;
  private version = '';
  private checkedAt = -Infinity;

  constructor(
    private readonly file: string,
    private readonly logger: Logger,
  ) {}

  /** Returns a registration of a tenant; undefined for one of another tenant too. */
  find<K extends Kind>(tenant: string, kind: K, name: string): HttpFile[K][string] | undefined {
    this.refresh();
    const all = this.registered[kind] as Readonly<Record<string, HttpFile[K][string]>>;
    const found = Object.hasOwn(all, name) ? all[name] : undefined;
    return found?.tenant === tenant ? found : undefined;
  }

  /** Returns the registrations of all tenants. */
  all<K extends Kind>(kind: K): [name: string, registration: HttpFile[K][string]][] {
    this.refresh();
    return Object.entries(this.registered[kind] as Readonly<Record<string, HttpFile[K][string]>>);
  }

  private refresh(): void {
    if (performance.now() - this.checkedAt < LOOK_MS) return;
    this.checkedAt = performance.now();
    const version = this.versionOfFile();
    if (version === this.version) return;
    this.version = version;
    try {
      this.registered = readRegistrations(this.file);
    } catch (error) {
      this.logger.error({ err: error }, 'http.json is not valid; the registrations stay as they were');
    }
  }

  private versionOfFile(): string {
    const stat = statSync(this.file, { bigint: true, throwIfNoEntry: false });
    return stat ? `${stat.ino} ${stat.mtimeNs} ${stat.size}` : '';
  }
}

/** Reads `http.json`. @throws Error naming what is wrong */
export function readRegistrations(file: string): HttpFile {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) return NONE;
  if (stat.size > BOUNDARY_LIMITS.configBytes)
    throw new Error(`${file} is larger than ${BOUNDARY_LIMITS.configBytes} bytes`);
  const parsed = httpFile.safeParse(parseExactly(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
}
