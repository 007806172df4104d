import { OAuthRefused } from '../http/problems/oauth-error';
import type { Form } from './form';

const TARGETS_MOST = 4;
const LENGTH_MOST = 500;

/** What tokens may be issued for. */
export interface Targets {
  /** this installation; a token without a target is for all of it */
  readonly issuer: string;
  /** other services, by configuration */
  readonly resources: readonly string[];
}

/**
 * Returns the targets that a request names, or undefined if it names none (RFC 8707 section 2, RFC 8693 section 2.1).
 * @throws OAuthRefused invalid_target for one that is not this installation, below it, or configured
 */
export function targetsIn(form: Form, { issuer, resources }: Targets): string[] | undefined {
  const named = [...new Set([...form.all('resource'), ...form.all('audience')])];
  if (named.length > TARGETS_MOST) throw new OAuthRefused('invalid_target', `at most ${TARGETS_MOST} resources`);
  for (const each of named)
    if (!isOurs(each, issuer) && !resources.includes(each))
      throw new OAuthRefused('invalid_target', `no token is issued for ${each.slice(0, 200)}`);
  return named.length === 0 ? undefined : named;
}

/** Reports whether a resource is this installation or a part of it, in the one spelling that a URL has. */
export function isOurs(resource: string, issuer: string): boolean {
  if (resource === issuer) return true;
  if (resource.length > LENGTH_MOST || !resource.startsWith(`${issuer}/`) || /[?#]/.test(resource)) return false;
  return URL.canParse(resource) && new URL(resource).href === resource;
}
