import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BailiwickClient, ProblemError } from '@bailiwick/client/client';
import { z } from 'zod';
import { clientFor, dataDir, serviceUrl, UsageError, type GlobalOptions } from '../context';
import { writePrivate } from '../write-private';

const ROLES = ['orchestrator', 'enforcer', 'responder', 'analyst'] as const;
const keyFile = z.object({ keys: z.object(Object.fromEntries(ROLES.map((role) => [role, z.string()]))) });

/** The clients of a tenant that has nothing but drills. */
export type Sandbox = Readonly<Record<(typeof ROLES)[number], BailiwickClient>>;

/**
 * Opens the tenant of drills. It is created for them if it does not exist; its keys are stored in the data folder, in a file
 * that only its owner can read.
 * @throws UsageError if it exists and its keys are not stored here: they are never replaced, since it may be in use
 */
export async function openSandbox(options: GlobalOptions, tenant: string): Promise<Sandbox> {
  const file = join(dataDir(options), `drill-${tenant}.json`);
  const keys = existsSync(file) ? readKeys(file) : await createTenant(options, tenant, file);
  const url = serviceUrl(options);
  const client = (role: string): BailiwickClient =>
    new BailiwickClient({ url, key: keys[role] as string, understands: 'all' });
  return Object.fromEntries(ROLES.map((role) => [role, client(role)])) as unknown as Sandbox;
}

function readKeys(file: string): Record<string, string> {
  try {
    return keyFile.parse(JSON.parse(readFileSync(file, 'utf8'))).keys;
  } catch {
    throw new UsageError(`${file} must be {"keys":{…}} with a key of the tenant for ${ROLES.join(', ')}`);
  }
}

async function createTenant(options: GlobalOptions, id: string, file: string): Promise<Record<string, string>> {
  const client = clientFor(options, 'admin');
  const { keys } = await client
    .post<{ keys: Record<string, string> }>('/v1/tenants', { id })
    .catch((error: unknown) => {
      if (!(error instanceof ProblemError) || error.status !== 409) throw error;
      throw new UsageError(
        `tenant ${id} exists, and its keys are not in ${file}: name another with --tenant, or write them there as {"keys":{"orchestrator":…}}`,
      );
    });
  mkdirSync(dirname(file), { recursive: true });
  // if this process dies before, the tenant stays without runs, and the next drill asks for another name
  writePrivate(file, JSON.stringify({ keys }));
  return keys;
}

/**
 * Refuses a tenant in which anything else lives: a drill must never be able to stop work.
 * @throws Error
 */
export async function refuseIfInUse({ analyst }: Sandbox, tenant: string): Promise<void> {
  const { position } = await analyst.enforcementPoints({ waitMs: 0 });
  for (const status of ['active', 'suspended', 'pending']) {
    const query = new URLSearchParams({
      status,
      limit: '1',
      ...(position < 0 ? {} : { minPosition: String(position) }),
    });
    const { items } = await analyst.get<{ items: { id: string; agentClass?: string }[] }>(
      `/v1/runs?${query.toString()}`,
    );
    const [live] = items;
    if (live)
      throw new Error(
        `tenant ${tenant} has live runs, such as ${live.id}: a drill runs only in a tenant without any; name another with --tenant`,
      );
  }
}
