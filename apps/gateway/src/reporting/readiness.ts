import { Inject, Injectable } from '@nestjs/common';
import type { Bus } from '@bailiwick/messaging/connect';
import { healthSubject } from '@bailiwick/messaging/subjects';
import type { LogProblem } from '@bailiwick/platform/health';
import { z } from 'zod';
import { BUS } from '../config';

/** The services that respond, with the number of their processes and of the events that each still has to process. */
export interface Readiness {
  readonly services: Record<string, boolean>;
  readonly behind: Record<string, number>;
  /** the number of processes of each scalable service, by its own count */
  readonly instances: Record<string, number>;
  /** the number of logs with each kind of problem; for `unreadable-event`, the number of events */
  readonly problems: Partial<Record<LogProblem['kind'], number>>;
}

const PARTS = ['delegation', 'ledger', 'intent'];
const HEALTH_MS = 1_000;
/** `logs`: the service's next position in each log; `untold`: results it has yet to report; `instances`: its processes */
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

/** Asks all services for their health. The result has only sums, since callers without a key must not see log names. */
export async function readiness(bus: Bus): Promise<Readiness> {
  const ask = async (part: string) => {
    const reply = await bus.request(healthSubject(part), {}, HEALTH_MS);
    const parsed = reply.ok ? health.safeParse(reply.value) : undefined;
    return parsed?.success ? parsed.data.value : undefined;
  };
  const [owner, ...followers] = await Promise.all(PARTS.map(ask));
  const answered = [owner, ...followers];
  const lag = (at: Record<string, number>): number =>
    Object.entries(owner?.logs ?? {}).reduce((sum, [log, head]) => sum + Math.max(0, head - (at[log] ?? 0)), 0);
  const numbers = (of: (each: Health) => number | undefined): Record<string, number> =>
    Object.fromEntries(
      answered.flatMap((each, i) => {
        const number = each && of(each);
        return number === undefined ? [] : [[PARTS[i] as string, number]];
      }),
    );
  return {
    services: Object.fromEntries(PARTS.map((part, i) => [part, answered[i] !== undefined])),
    behind: numbers((each) => lag(each.logs) + (each.untold ?? 0)),
    instances: numbers((each) => each.instances),
    problems: counted(answered.flatMap((each) => each?.problems ?? [])),
  };
}

/** Counts each problem once, even if several services report it; for a log that is not loaded, details may differ. */
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

/** Checks the readiness of the services. */
@Injectable()
export class ReadinessProbe {
  constructor(@Inject(BUS) private readonly bus: Bus) {}

  check(): Promise<Readiness> {
    return readiness(this.bus);
  }
}
