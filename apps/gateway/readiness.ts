import type { Bus } from '#bus/connect';
import { healthSubject } from '#bus/subjects';
import { z } from 'zod';

/** Which services answer, and how many events each has still to take in, over all logs. */
export interface Readiness {
  readonly services: Record<string, boolean>;
  readonly behind: Record<string, number>;
}

const PARTS = ['delegation', 'ledger', 'intent'];
const HEALTH_MS = 1_000;
/** `logs`: the next position of each, as far as the service stands; `untold`: what it has still to say itself */
const health = z.object({
  ok: z.literal(true),
  value: z.object({ logs: z.record(z.string(), z.number()), untold: z.number().optional() }),
});

/** Only sums: names of logs are nobody's business who has no key. */
export async function readiness(bus: Bus): Promise<Readiness> {
  const ask = async (part: string) => {
    const reply = await bus.request(healthSubject(part), {}, HEALTH_MS);
    const said = reply.ok ? health.safeParse(reply.value) : undefined;
    return said?.success ? said.data.value : undefined;
  };
  const [owner, ...followers] = await Promise.all(PARTS.map(ask));
  const answered = [owner, ...followers];
  const lag = (at: Record<string, number>): number =>
    Object.entries(owner?.logs ?? {}).reduce((sum, [log, head]) => sum + Math.max(0, head - (at[log] ?? 0)), 0);
  return {
    services: Object.fromEntries(PARTS.map((part, i) => [part, answered[i] !== undefined])),
    behind: Object.fromEntries(
      answered.flatMap((each, i) => (each ? [[PARTS[i] as string, lag(each.logs) + (each.untold ?? 0)]] : [])),
    ),
  };
}
