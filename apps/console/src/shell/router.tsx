import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { PARAMETERS } from '../pages/incident/selector';
import { Empty } from '../parts/states';
import { T } from '../texts';
import { Shell } from './shell';

const root = createRootRoute({ component: Shell, notFoundComponent: () => <Empty title={T.notFound} /> });
type Search = Readonly<Record<string, string | undefined>>;
/** The parameters of a page that are texts; anything else in the address is left out. */
const texts =
  (...names: string[]) =>
  (search: Record<string, unknown>): Search =>
    Object.fromEntries(names.flatMap((name) => (typeof search[name] === 'string' ? [[name, search[name]]] : [])));

const live = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: texts('q', 'view', 'subagents'),
  component: lazyRouteComponent(() => import('../pages/live/live-page'), 'LivePage'),
});
const run = createRoute({
  getParentRoute: () => root,
  path: '/runs/$id',
  validateSearch: texts('tab', 'grant'),
  component: lazyRouteComponent(() => import('../pages/run/run-page'), 'RunPage'),
});
const approvals = createRoute({
  getParentRoute: () => root,
  path: '/approvals',
  validateSearch: texts('id'),
  component: lazyRouteComponent(() => import('../pages/approvals/approvals-page'), 'ApprovalsPage'),
});
const incident = createRoute({
  getParentRoute: () => root,
  path: '/incident',
  validateSearch: texts(...PARAMETERS, 'target', 'mode', 'revocation', 'incident'),
  component: lazyRouteComponent(() => import('../pages/incident/incident-page'), 'IncidentPage'),
});
const agents = createRoute({
  getParentRoute: () => root,
  path: '/agents',
  validateSearch: texts('q', 'view', 'class', 'offboard'),
  component: lazyRouteComponent(() => import('../pages/agents/agents-page'), 'AgentsPage'),
});
const mine = createRoute({
  getParentRoute: () => root,
  path: '/mine',
  validateSearch: texts('as'),
  component: lazyRouteComponent(() => import('../pages/mine/mine-page'), 'MinePage'),
});
const log = createRoute({
  getParentRoute: () => root,
  path: '/log',
  validateSearch: texts('type', 'after'),
  component: lazyRouteComponent(() => import('../pages/log/log-page'), 'LogPage'),
});
const replay = createRoute({
  getParentRoute: () => root,
  path: '/replay',
  validateSearch: texts('treeId', 'at', 'grant'),
  component: lazyRouteComponent(() => import('../pages/replay/replay-page'), 'ReplayPage'),
});
const receipt = createRoute({
  getParentRoute: () => root,
  path: '/receipt',
  component: lazyRouteComponent(() => import('../pages/receipt/receipt-page'), 'ReceiptPage'),
});
const policy = createRoute({
  getParentRoute: () => root,
  path: '/policy',
  // numbers of versions: other words are other resources of the API
  validateSearch: (search: Record<string, unknown>): Search =>
    Object.fromEntries(
      Object.entries(texts('version', 'against')(search)).filter(([, value]) => /^\d{1,9}$/.test(value ?? '')),
    ),
  component: lazyRouteComponent(() => import('../pages/policy/policy-page'), 'PolicyPage'),
});
const keys = createRoute({
  getParentRoute: () => root,
  path: '/keys',
  component: lazyRouteComponent(() => import('../pages/keys/keys-page'), 'KeysPage'),
});
const servers = createRoute({
  getParentRoute: () => root,
  path: '/servers',
  validateSearch: texts('name'),
  component: lazyRouteComponent(() => import('../pages/servers/servers-page'), 'ServersPage'),
});
const budgets = createRoute({
  getParentRoute: () => root,
  path: '/budgets',
  component: lazyRouteComponent(() => import('../pages/budgets/budgets-page'), 'BudgetsPage'),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(() => import('../pages/settings/settings-page'), 'SettingsPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    live,
    run,
    approvals,
    agents,
    incident,
    mine,
    replay,
    log,
    receipt,
    policy,
    keys,
    servers,
    budgets,
    settings,
  ]),
  basepath: '/console',
  defaultPreload: 'intent',
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
