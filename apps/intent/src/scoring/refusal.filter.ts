import { Catch, type ArgumentsHost } from '@nestjs/common';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { of, type Observable } from 'rxjs';
import { RefusedError } from './refused';

/** Turns a `RefusedError` into a refusal. Any other error is logged; its caller receives no text of it. */
@Catch()
export class RefusalFilter extends BaseRpcExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): Observable<unknown> {
    if (error instanceof RefusedError) return of({ ok: false, refusal: { code: error.code, detail: error.message } });
    return super.catch(error, host);
  }
}
