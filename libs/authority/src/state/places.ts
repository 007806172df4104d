import type { Limits } from '@bailiwick/contracts/grants/grant';
import { matches } from '../dimensions/resources';
import { formOf } from '../matching/name-forms';

/**
 * Reports whether the lease or the goal names the place (host, bucket, domain) of a resource. Pass the root lease,
 * which an orchestrator or a person made: a run that may delegate could name any place in the lease of its child. A
 * selector names the place if its place is literal and it covers the resource: `*.example.com` names no host. A
 * source of the goal names the place if it is the place itself or a path above the resource; a source with a scheme
 * names places of that scheme only.
 */
export function namesPlace({ resources, permissions, purpose }: Limits, type: string, id: string): boolean {
  const place = placeOf(id);
  const selectors = permissions ? [...resources, ...permissions.flatMap((each) => each.resources)] : resources;
  const named = selectors.some(
    (selector) =>
      (selector.type === '*' || selector.type === type) && placeOf(selector.match) === place && matches(selector, id),
  );
  return named || purpose.delegatedSources.some((source) => isAt(source, id));
}

/**
 * Returns the first segment, of an absolute path with its slash, of a URL with its scheme. Only a pattern has a `*` in
 * it, so that no wildcard equals the place of a resource.
 */
function placeOf(path: string): string {
  const form = formOf(path);
  const from = form === 'relative' ? 0 : form === 'absolute' ? 1 : `${form}://`.length;
  const end = path.indexOf('/', from);
  return (end < 0 ? path : path.slice(0, end)).toLowerCase();
}

function isAt(source: string, id: string): boolean {
  const [scheme = ''] = /^[a-z][a-z+.-]*:\/\//i.exec(source) ?? [];
  const path = source.slice(scheme.length).replace(/\/+$/, '').toLowerCase();
  const form = formOf(id);
  const ofId = form === 'http' || form === 'https' ? `${form}://` : '';
  if (ofId !== '' && scheme !== '' && scheme.toLowerCase() !== ofId) return false;
  const whole = id.slice(ofId.length).toLowerCase();
  return path !== '' && !path.includes('*') && (whole === path || whole.startsWith(`${path}/`));
}
