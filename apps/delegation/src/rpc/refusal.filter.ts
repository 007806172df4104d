import { Catch, type ArgumentsHost } from '@nestjs/common';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { of, type Observable } from 'rxjs';
import { RefusedException } from './refused.exception';

/** Responds to a request with the refusal that its pipe or handler has thrown. Other errors are logged and hidden. */
@Catch()
export class RefusalFilter extends BaseRpcExceptionFilter<unknown, unknown> {
  override catch(exception: unknown, host: ArgumentsHost): Observable<unknown> {
    if (exception instanceof RefusedException) return of({ ok: false, refusal: exception.refusal });
    return super.catch(exception, host);
  }
}
