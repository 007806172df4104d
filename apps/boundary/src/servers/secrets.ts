import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { sealingContext, secretName, type SecretValue } from '@bailiwick/contracts/mcp/mcp-server';
import { parseExactly } from '@bailiwick/core/json';
import { Opener } from '@bailiwick/edge/sealing/sealing';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { NotReached } from '../upstream/connection';

const secretsFile = z.record(
  z.string(),
  z.record(
    secretName,
    z
      .string()
      .max(8_192)
      .regex(/^[^\0\r\n]*$/),
  ),
);

/** Where a secret belongs. */
export interface SecretOwner {
  readonly tenant: string;
  readonly name: string;
  readonly identity: string;
}

/** The secrets of upstream servers: those of `mcp-secrets.json`, by tenant and name, and those that were encrypted for this service. */
export class Secrets {
  private opener: Opener | undefined;

  constructor(private readonly files: { readonly mcpSecrets: string; readonly upstreamKey: string }) {}

  /**
   * Returns the text of a secret. References are read at each use, so that a secret can be replaced without a restart.
   * @throws NotReached naming the reference, never the text
   */
  resolve(value: SecretValue, owner: SecretOwner, header: string): string {
    if (typeof value === 'string') return value;
    if ('secret' in value) return this.listed(owner.tenant, value.secret);
    try {
      return this.key().open(value.sealed, sealingContext(owner.tenant, owner.name, owner.identity, header));
    } catch {
      throw new NotReached(
        `the credential ${header} of ${owner.name} was encrypted for another key, name or address; register the server again`,
      );
    }
  }

  /** The key that secrets are encrypted for. @throws Error if its file is missing, or accessible to others */
  key(): Opener {
    return (this.opener ??= new Opener(readPrivate(this.files.upstreamKey)));
  }

  private listed(tenant: string, name: string): string {
    const found = this.read()[tenant];
    if (found && Object.hasOwn(found, name)) return found[name] as string;
    throw new NotReached(`mcp-secrets.json of the boundary has no secret ${name} of the tenant ${tenant}`);
  }

  private read(): z.infer<typeof secretsFile> {
    const { mcpSecrets } = this.files;
    if (!statSync(mcpSecrets, { throwIfNoEntry: false })) return {};
    const parsed = secretsFile.safeParse(readJson(readPrivate(mcpSecrets)));
    // an issue of the schema may quote a value
    if (!parsed.success) throw new NotReached('mcp-secrets.json is not { tenant: { name: secret } }');
    return parsed.data;
  }
}

function readJson(text: string): unknown {
  try {
    return parseExactly(text);
  } catch {
    return undefined;
  }
}

/** Reads a file of secrets. @throws NotReached if other users may read it */
function readPrivate(file: string): string {
  const { mode, size } = statSync(file);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new NotReached(`${file} is accessible to others: restrict it with chmod 600`);
  if (size > BOUNDARY_LIMITS.configBytes) throw new NotReached(`${file} is too large`);
  return readFileSync(file, 'utf8');
}
