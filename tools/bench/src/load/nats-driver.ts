import { connectBus, type Bus } from '@bailiwick/messaging/connect';
import type { Driven } from './http-driver';

/** Requests over NATS: a closed loop of `concurrency` requests, one value per message. */
export interface NatsJob {
  readonly kind: 'nats';
  readonly url: string;
  readonly user?: string;
  readonly pass?: string;
  readonly subject: string;
  readonly values: readonly unknown[];
  readonly concurrency: number;
  readonly ms: number;
}

/** Runs the load. A reply `{ answers: [{ ok: false }] }` counts as refused. */
export async function driveNats(job: NatsJob): Promise<Driven> {
  const bus = await connectBus({
    url: job.url,
    ...(job.user === undefined ? {} : { user: job.user }),
    ...(job.pass === undefined ? {} : { pass: job.pass }),
    name: 'bench',
    inboxPrefix: '_INBOX.gateway',
  });
  try {
    return await loops(bus, job);
  } finally {
    await bus.drain();
  }
}

async function loops(bus: Bus, job: NatsJob): Promise<Driven> {
  const latencies: number[] = [];
  const refused: Record<string, number> = {};
  let example: string | undefined;
  let next = 0;
  let done = 0;
  const started = performance.now();
  const until = started + job.ms;
  const loop = async (): Promise<void> => {
    while (performance.now() < until) {
      const sentAt = performance.now();
      const reply = await bus.request(job.subject, job.values[next++ % job.values.length], 10_000);
      latencies.push(performance.now() - sentAt);
      const code = reply.ok ? refusalIn(reply.value) : reply.error.code;
      if (code === undefined) done += 1;
      else {
        refused[code] = (refused[code] ?? 0) + 1;
        example ??= JSON.stringify(reply).slice(0, 2_000);
      }
    }
  };
  await Promise.all(Array.from({ length: job.concurrency }, loop));
  const ms = performance.now() - started;
  latencies.sort((a, b) => a - b);
  return { done, refused, ms, latencies, ...(example === undefined ? {} : { example }) };
}

interface Answers {
  answers?: { ok: boolean; value?: { decision?: string }; refusal?: { code: string } }[];
}
function refusalIn(value: unknown): string | undefined {
  const answer = (value as Answers).answers?.[0];
  if (!answer || (answer.ok && answer.value?.decision === 'permit')) return undefined;
  return answer.refusal?.code ?? answer.value?.decision ?? 'refused';
}
