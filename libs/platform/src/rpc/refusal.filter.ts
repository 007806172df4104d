import { Catch, type ArgumentsHost, type RpcExceptionFilter } from '@nestjs/common';
import { of, throwError, type Observable } from 'rxjs';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { BusContext } from '@bailiwick/messaging/nest-transport/nest-strategy';
import type { Logger } from '../logging';
import { QueueFullError } from '../serial-queue';
import { RefusedError } from './refused-error';

/**
 * Turns errors that state a refusal into that refusal. Logs any other error; its caller receives an internal error
 * without its text, which may hold secrets.
 */
@Catch()
export class RefusalFilter implements RpcExceptionFilter {
  constructor(private readonly logger: Pick<Logger, 'error'>) {}

  catch(error: unknown, host: ArgumentsHost): Observable<Answer> {
    const refused = (code: string, detail: string): Observable<Answer> => of({ ok: false, refusal: { code, detail } });
    if (error instanceof RefusedError) return refused(error.code, error.message);
    if (error instanceof QueueFullError) return refused('TOO_MANY', error.message);
    const subject = host.switchToRpc().getContext<BusContext>().getSubject();
    this.logger.error({ err: error, subject }, 'a request failed');
    return throwError(() => ({ status: 'error', message: 'Internal server error' }));
  }
}
