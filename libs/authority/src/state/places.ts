import type { Limits } from '@bailiwick/contracts/grants/grant';
import { matches } from '../dimensions/resources';

/**
 * Reports whether the lease or the goal names the place (host, bucket, domain) of a resource. Pass the root lease,
 * which an orchestrator or a person made: a run that may delegate could name any place in the lease of its child. A
 * selector names the place if its first segment is literal and it covers the resource. A source of the goal names the
 * place if it is the place itself or a path above the resource.
 */
export function namesPlace({ resources, permissions, purpose }: Limits, type: string, id: string): boolean {
  const selectors = permissions ? [...resources, ...permissions.flatMap((each) => each.resources)] : resources;
  const named = selectors.some(
    (selector) =>
      (selector.type === '*' || selector.type === type) &&
      !selector.match.startsWith('*') &&
      placeOf(selector.match) === placeOf(id) &&
      matches(selector, id),
  );
  return named || purpose.delegatedSources.some((source) => isAt(source, id));
}

const placeOf = (path: string): string => path.slice(0, (path.indexOf('/') + 1 || path.length + 1) - 1).toLowerCase();

function isAt(source: string, id: string): boolean {
  const path = source
    .replace(/^[a-z][a-z+.-]*:\/\//i, '')
    .replace(/\/+$/, '')
    .toLowerCase();
  const whole = id.toLowerCase();
  return path !== '' && !path.includes('*') && (whole === path || whole.startsWith(`${path}/`));
}
