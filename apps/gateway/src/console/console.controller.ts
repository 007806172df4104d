import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { Ctx, Endpoint, Params, Query } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import { Reply } from '../http/responses/http-response';
import type { RequestContext } from '../http/request-context';
import { builtConsole, INDEX, readConsoleFiles, type ConsoleFiles } from './console-files';

const fileParams = z.strictObject({ '*': z.string().max(200) });
/** The page reads the query of its address; the service does not. */
const pageQuery = z.looseObject({});

/**
 * What the page may do: its own scripts, styles, fonts and requests, and nothing inline, embedded, framed or from another
 * origin. A text of an agent that reached the page as markup could therefore not run, load or send anything.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
};
/** The address of a page within the console: words and ids. Other names are those of files. */
const PAGE = /^$|^[\w-]+(\/[\w-]+)*\/?$/;
const NOT_BUILT = 'The console was not built. Run npm run build, then start the gateway again.';

/** The web console: files without any data. Everything that it shows comes from the API, with the rights of its caller. */
@Controller()
export class ConsoleController {
  private files: ConsoleFiles | undefined;

  @Endpoint({ method: 'GET', path: '/console', summary: 'The web console', roles: 'public' })
  home(): Reply {
    return Reply.text('', 'text/plain; charset=utf-8', { ...HEADERS, location: '/console/' }, 308);
  }

  /** An address inside the console is the page itself, which shows what it names. */
  @Endpoint({
    method: 'GET',
    path: '/console/*',
    summary: 'A page, script, style or font of the web console',
    roles: 'public', // it contains no data
  })
  file(
    @Ctx() { request }: RequestContext,
    @Params(fileParams) { '*': name }: z.infer<typeof fileParams>,
    @Query(pageQuery) _query: z.infer<typeof pageQuery>,
  ): Reply {
    const files = (this.files ??= this.read());
    const file = files.get(name) ?? (PAGE.test(name) ? files.get(INDEX) : undefined);
    if (!file) throw new Refused('NOT_FOUND', files.size === 0 ? NOT_BUILT : 'no such file of the console');
    const headers: Record<string, string> = {
      ...HEADERS,
      etag: file.etag,
      vary: 'accept-encoding',
      'cache-control': file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    };
    if (request.headers['if-none-match'] === file.etag) return Reply.text('', file.type, headers, 304);
    const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    if (!takesGzip || !file.gzip) return Reply.text(file.bytes, file.type, headers);
    return Reply.text(file.gzip, file.type, { ...headers, 'content-encoding': 'gzip' });
  }

  private read(): ConsoleFiles {
    const folder = builtConsole();
    return folder === undefined ? new Map() : readConsoleFiles(folder);
  }
}
