import { hostname } from 'node:os';
import type { LogReport } from '@bailiwick/contracts/enforcement/report';
import { LIMITS } from '@bailiwick/core/limits';
import { PointIdentity, withinReport } from '@bailiwick/edge/point-reports';
import type { Bus } from '@bailiwick/messaging/connect';
import { enforcedSubject } from '@bailiwick/messaging/subjects';
import { BOUNDARY_LIMITS } from '../boundary-limits';

const KIND = 'boundary';
const PROCESS = `${hostname().slice(0, 150)}:${process.pid}`;

/** Reports the epochs that this process enforces: after each change, and every second, since reports may be lost. */
export class PointReporter {
  private readonly identity = new PointIdentity(KIND);
  private readonly beat: NodeJS.Timeout;
  private sequence = 0;
  private pending: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(
    private readonly leases: { report(): LogReport[]; onChange(listener: () => void): void },
    private readonly bus: Pick<Bus, 'publish'>,
  ) {
    this.beat = setInterval(() => this.send(), BOUNDARY_LIMITS.reportEveryMs);
    this.beat.unref();
    leases.onChange(() => (this.pending ??= setTimeout(() => this.send(), BOUNDARY_LIMITS.reportGatherMs)));
    this.send();
  }

  /** The last report states that this process stops, so that its silence is no alarm. */
  stop(): void {
    this.stopping = true;
    clearInterval(this.beat);
    this.send();
  }

  /** A report that is not sent is followed by another. */
  private send(): void {
    clearTimeout(this.pending);
    this.pending = undefined;
    const report = {
      kind: KIND,
      process: PROCESS,
      sequence: this.sequence,
      boundMs: LIMITS.unheardMs,
      stopping: this.stopping,
      logs: withinReport(this.leases.report()),
    } as const;
    this.sequence += 1;
    this.bus.publish(enforcedSubject(KIND), this.identity.sign(report));
  }
}
