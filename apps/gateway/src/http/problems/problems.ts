import { HttpException, Inject, Injectable } from '@nestjs/common';
import type { Logger } from '@bailiwick/platform/logging';
import { LIMITS } from '@bailiwick/core/limits';
import { Admission } from '../../auth/admission';
import { LOGGER } from '../../config';
import { RefusalReports } from '../../reporting/refusal-reports';
import { bodyLimitOf, type Endpoint } from '../endpoints/endpoint';
import { HttpResponse, problemResponse } from '../responses/http-response';
import { Refused, RefusedCommand } from './problem';
import type { Incoming } from '../request-context';

const INTERNAL = 'an internal error occurred; the log of the gateway has the details';

/** Turns errors into problem responses: the same for the framework's routes and for the fast path. */
@Injectable()
export class Problems {
  constructor(
    private readonly admission: Admission,
    private readonly refusals: RefusalReports,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'error'>,
  ) {}

  /**
   * Responds to a failed request of an endpoint, and reports a refusal for lack of rights to the owner, which records it.
   * The owner's own refusals are recorded already.
   */
  ofEndpoint(endpoint: Endpoint, error: unknown, request: Pick<Incoming, 'url' | 'raw'>): HttpResponse {
    const refused = this.toRefused(error, request.url, bodyLimitOf(endpoint));
    const caller = this.admission.callerOf(request.raw);
    const isOwn = !(refused instanceof RefusedCommand);
    if (isOwn && refused.code === 'FORBIDDEN' && caller && endpoint.roles !== 'public')
      this.refusals.report(caller, `${endpoint.method} ${endpoint.path}`, refused.detail);
    return problemResponse(endpoint.path, refused);
  }

  /**
   * Responds to a request without an endpoint.
   * @param methods the methods for which the path has endpoints
   */
  ofNoEndpoint(
    error: unknown,
    { method, url }: Pick<Incoming, 'method' | 'url'>,
    methods: readonly string[],
  ): HttpResponse {
    if (statusOf(error) !== 404) return problemResponse('none', this.toRefused(error, url));
    if (methods.length === 0) {
      const path = url.split('?')[0]?.slice(0, 200) ?? '';
      return problemResponse('none', new Refused('NOT_FOUND', `unknown path ${path}; see /docs`));
    }
    const allow = methods.join(', ');
    const response = problemResponse(
      'none',
      new Refused('METHOD_NOT_ALLOWED', `${method} is not allowed for this path; use ${allow}`),
    );
    return new HttpResponse(response.status, { allow, ...response.headers }, response.text);
  }

  private toRefused(error: unknown, url: string, most: number = LIMITS.httpBodyBytes): Refused {
    if (error instanceof Refused) return error;
    const status = statusOf(error);
    if (status === 413) return new Refused('TOO_LARGE', `the body is over ${most} bytes`);
    // AuthZEN defines no other status for it
    if (status === 415 && url.startsWith('/access/'))
      return new Refused('BAD_REQUEST', 'send the body as application/json');
    if (status === 415) return new Refused('UNSUPPORTED_MEDIA_TYPE', 'send the body as application/json');
    if (status !== undefined && status >= 400 && status < 500)
      return new Refused('BAD_REQUEST', (error as Error).message);
    this.logger.error({ err: error, url }, 'a request failed');
    return new Refused('INTERNAL', INTERNAL);
  }
}

/** Returns the status that the framework gave an error. */
function statusOf(error: unknown): number | undefined {
  return error instanceof HttpException ? error.getStatus() : (error as { statusCode?: number }).statusCode;
}
