import { OAuthRefused } from '../http/problems/oauth-error';
import type { GatewayConfig } from '../config';
import type { Form } from './form';

const TARGETS_MOST = 4;
const LENGTH_MOST = 500;

/** What tokens may be issued for. */
export type Targets = Pick<GatewayConfig, 'publicUrl' | 'resources'> & {
  readonly boundary: Pick<GatewayConfig['boundary'], 'url'>;
};

/**
 * Returns the targets that a request names, or undefined if it names none (RFC 8707 section 2, RFC 8693 section 2.1). A
 * token without a target is for this installation.
 * @throws OAuthRefused invalid_target for one that tokens are not issued for
 */
export function targetsIn(form: Form, targets: Targets): string[] | undefined {
  const named = [...new Set([...form.all('resource'), ...form.all('audience')])];
  if (named.length > TARGETS_MOST) throw new OAuthRefused('invalid_target', `at most ${TARGETS_MOST} resources`);
  for (const each of named)
    if (!isTarget(each, targets))
      throw new OAuthRefused('invalid_target', `no token is issued for ${each.slice(0, 200)}`);
  return named.length === 0 ? undefined : named;
}

/** Reports whether tokens are issued for a resource: this installation, its boundary, their parts, and others by configuration. */
export const isTarget = (resource: string, { publicUrl, boundary, resources }: Targets): boolean =>
  isPartOf(resource, publicUrl) || isPartOf(resource, boundary.url) || resources.includes(resource);

/** In the one spelling that a URL has. */
function isPartOf(resource: string, whole: string): boolean {
  if (resource === whole) return true;
  if (resource.length > LENGTH_MOST || !resource.startsWith(`${whole}/`) || /[?#]/.test(resource)) return false;
  return URL.canParse(resource) && new URL(resource).href === resource;
}
