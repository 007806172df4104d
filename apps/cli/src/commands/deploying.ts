import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../context';
import { deployedSecrets, writeDeployment } from '../up/deploy';
import { prepareDatabase } from '../up/migrate';
import type { Secrets } from '../up/secrets';

interface SetupFlags {
  out: string;
  postgres: string;
  nats: string;
  publicUrl: string;
  boundaryUrl?: string;
  uid?: string;
}

/** Adds the commands that prepare an installation on several containers or hosts; `up` needs none of them. */
export function addDeployCommands(program: Command): void {
  program
    .command('setup')
    .description('create the keys, passwords and configuration of an installation whose parts run separately')
    .requiredOption('--out <dir>', 'receives one folder per part')
    .option('--postgres <host:port>', 'the PostgreSQL server', 'postgres:5432')
    .option('--nats <host:port,…>', 'the NATS server, or the servers of a cluster', 'nats:4222')
    .option('--public-url <url>', 'address at which users reach the gateway', 'http://127.0.0.1:8420')
    .option(
      '--boundary-url <url>',
      'address at which agents reach MCP servers; default: port 8421 of the host of the gateway',
    )
    .option('--uid <n>', 'the user that the services run as')
    .action((flags: SetupFlags) => {
      const uid = flags.uid === undefined ? undefined : Number(flags.uid);
      if (uid !== undefined && !Number.isInteger(uid)) throw new UsageError(`--uid ${flags.uid ?? ''} is not a number`);
      const { out, postgres, nats, publicUrl, boundaryUrl } = flags;
      const listen = { host: '0.0.0.0', port: 8420 };
      for (const dir of writeDeployment({ out, postgres, nats, url: publicUrl, boundaryUrl, listen, uid }))
        console.log(dir);
    });
  program
    .command('migrate')
    .description('create or update the database, its roles and tables')
    .requiredOption('--secrets <dir>', 'the folder `migrate` that `bailiwick setup` made')
    .action(async ({ secrets }: { secrets: string }) => {
      const url = process.env.BAILIWICK_DATABASE_URL;
      if (!url) throw new UsageError("BAILIWICK_DATABASE_URL is missing: the administrator's postgres:// URL");
      const { database } = JSON.parse(readFileSync(deployedSecrets(secrets), 'utf8')) as Secrets;
      await prepareDatabase(url, database);
      console.log('the database is up to date');
    });
}
