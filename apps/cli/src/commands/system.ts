import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import type { Command } from 'commander';
import { waitFor } from '@bailiwick/platform/local-servers/child';
import { localLink } from './console';
import { clientFor, dataDir, readCredentials, UsageError, type GlobalOptions } from '../context';
import { playStory } from '../demo/story';
import { playTraces, tallyTable } from '../demo/traces';
import { z } from 'zod';
import { bold, dim, table, yellow } from '../render';
import { CORE_SERVICES, makeDataDir } from '../up/secrets';
import { readStatus, Supervisor } from '../up/supervisor';

interface UpFlags extends GlobalOptions {
  port?: string;
  delegations?: string;
  demo?: boolean;
  detach?: boolean;
}

const portOf = (text: string | undefined): number => {
  const port = Number(text ?? process.env.BAILIWICK_PORT ?? '8420');
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UsageError(`${text ?? process.env.BAILIWICK_PORT ?? ''} is not a port`);
  return port;
};

const DELEGATIONS_MOST = 32;
const delegationsOf = (text = '1'): number => {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > DELEGATIONS_MOST)
    throw new UsageError(`--delegations must be 1 to ${DELEGATIONS_MOST}, not ${text}`);
  return count;
};

export function addSystemCommands(program: Command): void {
  program
    .command('up')
    .description('run the complete system on this machine until Ctrl-C')
    .option('--port <port>', 'HTTP port (or BAILIWICK_PORT; default 8420)')
    .option('--delegations <n>', 'instances of the delegation service, which share the logs (default 1)')
    .option('--demo', 'play the demo after the start')
    .option('--no-demo', 'do not play the demo (default)')
    .option('--detach', 'run in the background')
    .action((_flags, command: Command) => up(command.optsWithGlobals<UpFlags>()));
  program
    .command('down')
    .description('stop what `up` started')
    .action((_flags, command: Command) => down(command.optsWithGlobals<GlobalOptions>()));
  program
    .command('status')
    .description('show the state of the system')
    .action((_flags, command: Command) => status(command.optsWithGlobals<GlobalOptions>()));
  program
    .command('demo')
    .description('play the main job against the running system, or recorded agent runs')
    .option('--traces <file>', 'recorded runs, one JSON object per line, optionally gzipped')
    .option('--limit <n>', 'maximum number of runs')
    .action((_flags, command: Command) =>
      demo(command.optsWithGlobals<GlobalOptions & { traces?: string; limit?: string }>()),
    );
}

async function up(flags: UpFlags): Promise<void> {
  const dir = dataDir(flags);
  if (flags.detach) return detach(flags, dir);
  const supervisor = new Supervisor({
    dataDir: dir,
    port: portOf(flags.port),
    delegations: delegationsOf(flags.delegations),
    logLine: (line) => console.log(dim(line)),
  });
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    stopping ??= supervisor.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  const credentials = await supervisor.start();
  if (flags.demo)
    await playStory(credentials, (line = '') => console.log(line)).then(
      (verified) => {
        if (!verified) process.exitCode = 1;
      },
      (error: unknown) => {
        if (!stopping) console.error('the demo failed:', error);
      },
    );
  if (stopping) return;
  const link = await localLink(credentials).catch(() => undefined);
  console.log(`\n${bold('Bailiwick is running')}
  API          ${credentials.url}        (/docs, /openapi.json, /metrics)
  console      ${link ? `${link.url}\n               (once, for ten minutes; \`npx bailiwick console\` makes another)` : 'npx bailiwick console'}
  keys         ${join(dir, 'credentials.json')}
  data, logs   ${dir}
  try          npx bailiwick status · npx bailiwick events --follow
  stop         Ctrl-C`);
}

async function detach(flags: UpFlags, dir: string): Promise<void> {
  const delegations = delegationsOf(flags.delegations);
  makeDataDir(dir);
  const log = openSync(join(dir, 'logs', 'supervisor.log'), 'a', 0o600);
  const args = [
    ...BUILT_FLAGS,
    process.argv[1] as string,
    'up',
    '--data',
    dir,
    '--port',
    String(portOf(flags.port)),
    '--delegations',
    String(delegations),
    ...(flags.demo ? ['--demo'] : []),
  ];
  const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log] });
  let ended: number | null | undefined;
  child.once('exit', (code) => (ended = code ?? 1));
  await waitFor('the system to come up', 90_000, async () => {
    if (ended !== undefined)
      throw new Error(`the system exited during the start; see ${join(dir, 'logs', 'supervisor.log')}`);
    const services = readStatus(dir)?.services ?? [];
    return Promise.resolve(
      services.length >= CORE_SERVICES.length + delegations - 1 &&
        services.every((service) => service.state === 'running'),
    );
  });
  child.unref();
  console.log(`running in the background at ${readStatus(dir)?.url ?? ''}; stop it with \`bailiwick down\``);
}

async function down(options: GlobalOptions): Promise<void> {
  const dir = dataDir(options);
  const running = readStatus(dir);
  if (!running) {
    console.log(`no system is running on ${dir}`);
    return;
  }
  process.kill(running.supervisor, 'SIGTERM');
  await waitFor('it to stop', 60_000, () => readStatus(dir) === undefined);
  console.log('stopped');
}

/** Returns the response of /readyz; undefined if the gateway does not respond. */
async function readyz(url: string): Promise<Ready | undefined> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(READY_MS) });
    return ready.parse(await response.json());
  } catch {
    return undefined;
  }
}
const REMEDIES: Readonly<Record<string, string>> = {
  'not-loaded': 'the log is not available; see the logs of the service delegation',
  'unreadable-event': '`bailiwick log repair` lists the unreadable events and what they block',
};
const READY_MS = 5_000;
const ready = z.object({ status: z.string(), problems: z.record(z.string(), z.number()) });
type Ready = z.infer<typeof ready>;

async function status(options: GlobalOptions): Promise<void> {
  const running = readStatus(dataDir(options));
  const logs = running && (await readyz(running.url));
  if (options.json) console.log(JSON.stringify(running ? { ...running, ready: logs ?? null } : null));
  else if (!running) console.log(`no system is running on ${dataDir(options)}`);
  else {
    const rows = running.services.map((service) => [
      service.name,
      String(service.pid ?? ''),
      service.state,
      String(service.restarts),
      '',
    ]);
    const servers = (['postgres', 'nats'] as const).map((name) => {
      const { pid, state, restarts, url } = running[name];
      return [name, String(pid ?? ''), state, String(restarts), url];
    });
    console.log(table(['service', 'pid', 'state', 'restarts', 'at'], [...rows, ...servers]));
    console.log(running.url);
    if (running.boundary !== undefined) console.log(`MCP       ${running.boundary}/mcp/{server}`);
    console.log(`ready     ${logs?.status ?? 'not ready: the gateway does not respond'}`);
    for (const [kind, count] of Object.entries(logs?.problems ?? {}))
      console.log(yellow(`problem   ${count} × ${kind}: ${REMEDIES[kind] ?? ''}`));
  }
  if (!running || (logs?.status !== 'ok' && logs?.status !== 'degraded')) process.exitCode = 1;
}

async function demo(options: GlobalOptions & { traces?: string; limit?: string }): Promise<void> {
  if (options.traces !== undefined) {
    const limit = options.limit === undefined ? undefined : Number(options.limit);
    if (limit !== undefined && !(Number.isInteger(limit) && limit > 0))
      throw new UsageError(`--limit ${options.limit ?? ''} is not a number of runs`);
    const tallies = await playTraces(
      options.traces,
      clientFor(options, 'orchestrator'),
      clientFor(options, 'enforcer'),
      limit,
    );
    console.log(options.json ? JSON.stringify(Object.fromEntries(tallies)) : tallyTable(tallies));
    return;
  }
  const credentials = readCredentials(options);
  if (!credentials) throw new UsageError('the demo needs a system that was started here: run `bailiwick up` first');
  if (!(await playStory(credentials, (line = '') => console.log(line)))) process.exitCode = 1;
}
