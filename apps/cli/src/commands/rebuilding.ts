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

const LOOK_MS = 300;
const HOW: Readonly<Record<string, string>> = {
  missing: 'was missing',
  extra: 'should not have been there',
  differs: 'was another',
};

/** `replay --rebuild`: has the read models of a log made again, and waits for it. Exit 1 where the old ones were wrong. */
export async function rebuildReadModels(options: GlobalOptions & { readonly log?: string }): Promise<void> {
  const client = clientFor(options, 'admin');
  const which = options.log === undefined ? {} : { log: options.log };
  const begun = await client.post<Status>('/v1/rebuilds', which);
  const ended = await watch(client, begun, options.json !== true);
  if (options.json) console.log(JSON.stringify(ended));
  else tell(ended);
  if (ended.state !== 'done' || ended.told?.differences !== 0) process.exitCode = 1;
}

async function watch(client: BailiwickClient, begun: Status, showing: boolean): Promise<Status> {
  const progress = new Progress(begun.head, `events of ${begun.log}`);
  for (let status = begun; ;) {
    if (showing) progress.show(Math.min(status.position, begun.head));
    if (status.state !== 'running') return status;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    status = await client.get<Status>(`/v1/rebuilds?log=${encodeURIComponent(begun.log)}`);
  }
}

function tell({ log, state, told }: Status): void {
  if (state !== 'done' || !told) {
    console.log(`the read models of ${log} stay as they were: ${plain(told?.error ?? state)}`);
    return;
  }
  const { events, seconds, differences, samples } = told;
  console.log(`the read models of ${log} were made again from ${events} events in ${seconds} s, and are read now`);
  if (differences === 0) console.log('the old ones were the same, byte for byte');
  else console.log(`${differences} rows of the old ones were not as the log has them`);
  for (const { row, how } of samples) console.log(`WRONG     ${plain(row)} ${HOW[how] ?? how}`);
}
