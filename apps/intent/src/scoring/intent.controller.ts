import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { scoreRequest, type ScoreRequest } from '@bailiwick/contracts/actions/intent';
import { LIMITS } from '@bailiwick/core/limits';
import { withoutWords, type Score } from '@bailiwick/drift/score';
import { healthSubject, intentSubject } from '@bailiwick/messaging/subjects';
import { healthAnswer } from '@bailiwick/platform/health';
import { DATABASE, type Database } from '../connections/tokens';
import { MonitorService } from '../monitor/monitor.service';
import { RefusedError } from '@bailiwick/platform/rpc/refused-error';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';

@Controller()
export class IntentController {
  constructor(
    private readonly monitors: MonitorService,
    @Inject(DATABASE) private readonly database: Database,
  ) {}

  /** Refuses whenever the score is uncertain: the owner then requires an approval (I11). */
  @MessagePattern(intentSubject('score'))
  async score(
    @Payload(new ZodPipe(scoreRequest)) { log, grantId, after, call, args }: ScoreRequest,
  ): Promise<{ ok: true; value: Score }> {
    const asked = { ...call, tool: call.tool, risk: call.risk, args };
    const score = await this.monitors.get(log)?.score(grantId, asked, after, LIMITS.driftCatchUpMs);
    if (!score) throw new RefusedError('NOT_READY', 'no score is available for this run now');
    return { ok: true, value: { ...score, features: withoutWords(score.features) } };
  }

  @MessagePattern(healthSubject('intent'))
  health(): Promise<unknown> {
    return healthAnswer(this.database, () => {
      const all = [...this.monitors.all()];
      const logs = Object.fromEntries(all.map(([log, monitor]) => [log, monitor.position]));
      return { service: 'intent', logs, untold: all.reduce((sum, [, monitor]) => sum + monitor.pendingReports, 0) };
    });
  }
}
