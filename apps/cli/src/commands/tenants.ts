import type { Command } from 'commander';
import { clientFor, type GlobalOptions } from '../context';
import { green, table } from '../render';

interface AddFlags extends GlobalOptions {
  reissue?: boolean;
}

export function addTenantCommands(program: Command): void {
  program
    .command('tenants')
    .description('create tenants; requires the admin key of the tenant default')
    .command('add <name>')
    .description('create a tenant and print its keys, one per role; they are returned only once')
    .option('--reissue', 'issue new keys for an existing tenant whose keys were lost, and end the old ones')
    .action((name: string, _flags, command: Command) => add(name, command.optsWithGlobals<AddFlags>()));
}

async function add(id: string, { reissue, json, ...options }: AddFlags): Promise<void> {
  const made = await clientFor(options, 'admin').post<{ id: string; keys: Record<string, string> }>('/v1/tenants', {
    id,
    ...(reissue === true ? { reissue } : {}),
  });
  if (json) return console.log(JSON.stringify(made));
  console.log(`${green(reissue ? 'new keys' : 'made')} ${made.id}`);
  console.log(table(['role', 'key'], Object.entries(made.keys)));
}
