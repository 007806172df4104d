import { Catch, Inject, type ArgumentsHost, type RpcExceptionFilter } from '@nestjs/common';
import { of, throwError, type Observable } from 'rxjs';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { BusContext } from '@bailiwick/messaging/nest-transport/nest-strategy';
import { QueueFullError } from '@bailiwick/platform/serial-queue';
import { LOGGER, type Logger } from '../connections/tokens';
import { refuse } from './answers';
import { RefusedError } from './errors';

/**
 * Turns errors that state a refusal into that refusal. Logs any other error; its caller receives an internal error
 * without its text, which may hold secrets.
 */
@Catch()
export class RefusalFilter implements RpcExceptionFilter {
  constructor(@Inject(LOGGER) private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): Observable<Answer> {
    if (error instanceof RefusedError) return of(refuse(error.code, error.message));
    if (error instanceof QueueFullError) return of(refuse('TOO_MANY', error.message));
    const subject = host.switchToRpc().getContext<BusContext>().getSubject();
    this.logger.error({ err: error, subject }, 'a request failed');
    return throwError(() => ({ status: 'error', message: 'Internal server error' }));
  }
}
