import type { BailiwickClient } from '@bailiwick/client/client';
import { clientFor, type GlobalOptions } from '../context';
import { plain, Progress } from '../render';

interface Status {
  readonly log: string;
  readonly state: 'never' | 'running' | 'done' | 'failed' | 'interrupted';
  readonly position: number;
  readonly head: number;
  readonly told?: {
    readonly events: number;
    readonly seconds: number;
    readonly differences: number;
    readonly samples: readonly { readonly row: string; readonly how: string }[];
    readonly error?: string;
  };
}

const POLL_MS = 300;
const HOW: Readonly<Record<string, string>> = {
  missing: 'was missing',
  extra: 'was superfluous',
  differs: 'was different',
};

/** Runs `replay --rebuild`: rebuilds the read models of a log and waits. Exit code 1 if the old ones differed. */
export async function rebuildReadModels(options: GlobalOptions & { readonly log?: string }): Promise<void> {
  const client = clientFor(options, 'admin');
  const which = options.log === undefined ? {} : { log: options.log };
  const started = await client.post<Status>('/v1/rebuilds', which);
  const final = await watch(client, started, options.json !== true);
  if (options.json) console.log(JSON.stringify(final));
  else printResult(final);
  if (final.state !== 'done' || final.told?.differences !== 0) process.exitCode = 1;
}

async function watch(client: BailiwickClient, started: Status, showing: boolean): Promise<Status> {
  const progress = new Progress(started.head, `events of ${started.log}`);
  for (let status = started; ;) {
    if (showing) progress.show(Math.min(status.position, started.head));
    if (status.state !== 'running') return status;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    status = await client.get<Status>(`/v1/rebuilds?log=${encodeURIComponent(started.log)}`);
  }
}

function printResult({ log, state, told: result }: Status): void {
  if (state !== 'done' || !result) {
    console.log(`the read models of ${log} are unchanged: ${plain(result?.error ?? state)}`);
    return;
  }
  const { events, seconds, differences, samples } = result;
  console.log(`the read models of ${log} were rebuilt from ${events} events in ${seconds} s and are now in use`);
  if (differences === 0) console.log('the old ones were identical, byte for byte');
  else console.log(`${differences} rows of the old ones did not match the log`);
  for (const { row, how } of samples) console.log(`WRONG     ${plain(row)} ${HOW[how] ?? how}`);
}
