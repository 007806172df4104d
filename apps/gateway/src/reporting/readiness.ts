import { Inject, Injectable } from '@nestjs/common';
import type { Bus } from '@bailiwick/messaging/connect';
import { healthSubject } from '@bailiwick/messaging/subjects';
import type { LogProblem } from '@bailiwick/platform/health';
import { z } from 'zod';
import { BUS } from '../config';

/** Which services answer, of how many processes, and how many events each has still to take in, over all logs. */
export interface Readiness {
  readonly services: Record<string, boolean>;
  readonly behind: Record<string, number>;
  /** how many processes a service has that may have several, as it counts them itself */
  readonly instances: Record<string, number>;
  /** how many logs have each kind of problem; of `unreadable-event`, how many events */
  readonly problems: Partial<Record<LogProblem['kind'], number>>;
}

const PARTS = ['delegation', 'ledger', 'intent'];
const HEALTH_MS = 1_000;
/** `logs`: the next position of each, as far as the service stands; `untold`: what it has still to say itself; `instances`: where there may be several */
const health = z.object({
  ok: z.literal(true),
  value: z.object({
    logs: z.record(z.string(), z.number()),
    untold: z.number().optional(),
    instances: z.number().optional(),
    problems: z
      .array(z.object({ log: z.string(), kind: z.enum(['not-loaded', 'unreadable-event']), detail: z.string() }))
      .optional(),
  }),
});

type Health = z.infer<typeof health>['value'];

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
  const told = (of: (each: Health) => number | undefined): Record<string, number> =>
    Object.fromEntries(
      answered.flatMap((each, i) => {
        const number = each && of(each);
        return number === undefined ? [] : [[PARTS[i] as string, number]];
      }),
    );
  return {
    services: Object.fromEntries(PARTS.map((part, i) => [part, answered[i] !== undefined])),
    behind: told((each) => lag(each.logs) + (each.untold ?? 0)),
    instances: told((each) => each.instances),
    problems: counted(answered.flatMap((each) => each?.problems ?? [])),
  };
}

/** A problem that several services state counts once: of a log that is not loaded each gives its own reason. */
function counted(problems: readonly LogProblem[]): Readiness['problems'] {
  const named = new Map(
    problems.map(({ log, kind, detail }) => [
      kind === 'not-loaded' ? `${kind} ${log}` : `${kind} ${log} ${detail}`,
      kind,
    ]),
  );
  const counts: Partial<Record<LogProblem['kind'], number>> = {};
  for (const kind of named.values()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Asks the services whether they respond. */
@Injectable()
export class ReadinessProbe {
  constructor(@Inject(BUS) private readonly bus: Bus) {}

  check(): Promise<Readiness> {
    return readiness(this.bus);
  }
}
