import { actionRoutes } from '../routes/actions';
import { approvalRoutes } from '../routes/approvals';
import { authzenRoutes } from '../routes/authzen';
import { erasureRoutes } from '../routes/erasures';
import { repairRoutes } from '../routes/repairs';
import { listRoutes } from '../routes/lists';
import { movingRoutes } from '../routes/moving';
import { readingRoutes } from '../routes/reading';
import { replayRoutes } from '../routes/replays';
import { rebuildRoutes } from '../routes/rebuilds';
import { revocationRoutes } from '../routes/revocations';
import { runRoutes } from '../routes/runs';
import type { Readiness } from '../reporting/readiness';
import { schemaRoutes } from '../routes/schemas';
import { systemRoutes } from '../routes/system';
import { witnessRoutes } from '../routes/witness';
import type { Route } from './route';

/** Every endpoint there is: who may call it, with what, and what it does. */
export function routeTable(ready: () => Promise<Readiness>): Route[] {
  const all: Route[] = [
    ...runRoutes,
    ...actionRoutes,
    ...approvalRoutes,
    ...revocationRoutes,
    ...erasureRoutes,
    ...repairRoutes,
    ...movingRoutes,
    ...listRoutes,
    ...readingRoutes,
    ...witnessRoutes,
    ...replayRoutes,
    ...rebuildRoutes,
    ...authzenRoutes,
    ...schemaRoutes,
  ];
  all.push(...systemRoutes(() => all, ready));
  return all;
}

/** Does another method of this path exist? Then it is the method that is wrong (405), not the path (404). */
export function methodsOf(routes: readonly Route[], path: string): string[] {
  const segments = path.split('?')[0]?.split('/') ?? [];
  const fits = (route: Route): boolean => {
    const own = route.path.replaceAll('::', ':').split('/');
    const open = own.at(-1) === '*'; // whatever follows
    const fixed = open ? own.slice(0, -1) : own;
    return (
      (open ? segments.length >= own.length : segments.length === own.length) &&
      fixed.every((segment, i) => (/^:\w+$/.test(segment) ? segments[i] !== '' : segment === segments[i]))
    );
  };
  return [...new Set(routes.filter(fits).map((route) => route.method))];
}
