import type { Command } from 'commander';
import { clientFor, type GlobalOptions } from '../context';
import type { EventItem } from '#client/client';
import { dim, plain } from '../render';

/** One event a line. */
function line(event: EventItem): string {
  const data = event.data as {
    verb?: string;
    resource?: { id: string };
    reason?: { says?: string };
    score?: number;
    detail?: string;
  };
  const about = [
    data.verb,
    data.resource?.id,
    data.reason?.says,
    data.score === undefined ? undefined : `score ${data.score.toFixed(2)}`,
    data.detail,
  ]
    .filter((each) => each !== undefined)
    .join(' ');
  return `${String(event.position).padStart(7)} ${dim(event.time)} ${event.type.padEnd(20)} ${plain(about).slice(0, 120)} ${dim(event.runId ?? '')}`;
}

export function addReadCommands(program: Command): void {
  program
    .command('events')
    .description('events in the order of the log')
    .option('--follow', 'and those to come')
    .option('--after <position>', 'only later ones')
    .option('--type <type>')
    .option('--run <run>')
    .option('--tree <tree>')
    .option('--limit <n>', 'at most so many', '100')
    .action(async (_flags, command: Command) => {
      const options = command.optsWithGlobals<
        GlobalOptions & { follow?: boolean; after?: string; type?: string; run?: string; tree?: string; limit: string }
      >();
      const client = clientFor(options, 'analyst');
      const query: Record<string, string> = {
        ...(options.type ? { type: options.type } : {}),
        ...(options.run ? { runId: options.run } : {}),
        ...(options.tree ? { treeId: options.tree } : {}),
        ...(options.after ? { after: options.after } : {}),
      };
      const print = (event: EventItem): void => console.log(options.json ? JSON.stringify(event) : line(event));
      if (!options.follow) {
        for (const event of (await client.events({ ...query, limit: options.limit })).items) print(event);
        return;
      }
      let last: string | undefined;
      for (;;) {
        const response = await client.raw(
          `/v1/events/stream?${new URLSearchParams(query).toString()}`,
          last ? { 'last-event-id': last } : {},
        );
        if (!response.ok || !response.body)
          throw new Error(`the stream was refused: ${response.status} ${(await response.text()).slice(0, 300)}`);
        try {
          for await (const [id, data] of frames(response.body)) {
            last = id;
            print(JSON.parse(data) as EventItem);
          }
        } catch {
          // cut off: it resumes after the last event
        }
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    });
  program
    .command('log')
    .description('the transparency log')
    .command('verify [log]')
    .description('refold the log from position 0 and compare: tree, checkpoints, state')
    .action(async (log: string | undefined, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const result = await clientFor(options, 'analyst').get<{
        position: number;
        root: string;
        refolded: string;
        live: string;
        findings: string[];
        ok: boolean;
      }>(`/v1/log/verification?log=${encodeURIComponent(log ?? 'default/0')}`);
      if (options.json) console.log(JSON.stringify(result));
      else {
        console.log(
          `events    ${result.position}\nroot      ${result.root}\nrefolded  ${result.refolded}\nlive      ${result.live}`,
        );
        for (const finding of result.findings) console.log(`WRONG     ${plain(finding)}`);
        console.log(result.ok ? 'the log verifies' : 'the log does NOT verify');
      }
      if (!result.ok) process.exitCode = 1;
    });
}

/** Server-sent events: id and data of each. */
async function* frames(body: ReadableStream<Uint8Array>): AsyncGenerator<[string, string]> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const frame = text.slice(0, end);
      text = text.slice(end + 2);
      const id = /^id: (.*)$/m.exec(frame)?.[1];
      const data = /^data: (.*)$/m.exec(frame)?.[1];
      if (id !== undefined && data !== undefined) yield [id, data];
    }
  }
}
