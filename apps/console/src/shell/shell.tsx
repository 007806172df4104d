import { useEffect, useRef, useState, type ReactNode } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { Ellipsis, LogOut, Monitor, Moon, Sun, Wifi, WifiOff } from 'lucide-react';
import { follow, useConnection } from '../api/live-events';
import { onSessionEnded } from '../api/client';
import { usePendingApprovals } from '../api/queries';
import { AgentText } from '../parts/agent-text';
import { Mark } from '../parts/mark';
import { Failed, Guard, Loading } from '../parts/states';
import { hasOneOf, SESSION_KEY, signOut, useSession, type Session } from '../session/session';
import { SessionEnded } from '../session/session-ended';
import { SignIn, useSignInLink } from '../session/sign-in';
import { T } from '../texts';
import { ALL_PAGES, PAGES, RUN_ROLES, type PageEntry } from './pages';
import { applyTheme, storedTheme, THEMES, type Theme } from './theme';

const STREAM_ROLES = ['analyst', 'enforcer', 'responder'];

/** The frame of every page: the sign-in page until there is a session. */
export function Shell(): ReactNode {
  const link = useSignInLink();
  const session = useSession(link.isWorking);
  if (session.isPending) return <Loading />;
  if (session.error)
    return (
      <main className="lone">
        <Failed error={session.error} retry={() => void session.refetch()} />
      </main>
    );
  if (!session.data) return <SignIn problem={link.problem} />;
  return <SignedIn session={session.data} notice={link.problem} />;
}

function SignedIn({ session, notice }: { session: Session; notice: string | undefined }): ReactNode {
  const queries = useQueryClient();
  const [hasEnded, setEnded] = useState(false);
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  useEffect(() => onSessionEnded(() => setEnded(true)), []);
  useEffect(() => follow(queries, hasOneOf(session, STREAM_ROLES)), [queries, session]);
  useEffect(() => {
    const page = ALL_PAGES.find(({ to }) => to === path);
    document.title = `${page?.name ?? (path.startsWith('/runs/') ? T.run.title : '')} · ${T.product}`;
  }, [path]);
  return (
    <div className="shell">
      <a
        className="skip"
        href="#page"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        {T.skip}
      </a>
      <Sidebar session={session} />
      <div className="shell-body">
        <LostBanner />
        {notice !== undefined && (
          <p className="banner" role="status">
            <AgentText>{notice}</AgentText>
          </p>
        )}
        <main id="page" ref={main} tabIndex={-1}>
          <Guard key={path}>
            <Allowed session={session} path={path}>
              <Outlet />
            </Allowed>
          </Guard>
        </main>
      </div>
      <Tabs session={session} />
      {hasEnded && <SessionEnded onSignedIn={() => setEnded(false)} />}
    </div>
  );
}

function Allowed({ session, path, children }: { session: Session; path: string; children: ReactNode }): ReactNode {
  const roles = path.startsWith('/runs/') ? RUN_ROLES : ALL_PAGES.find(({ to }) => to === path)?.roles;
  if (roles === undefined || hasOneOf(session, roles)) return children;
  return (
    <div className="page">
      <div className="notice notice-wait" role="alert">
        <p>{T.problem.forbidden(roles)}</p>
      </div>
    </div>
  );
}

const visibleTo = (session: Session, entries: readonly PageEntry[]): PageEntry[] =>
  entries.filter(({ roles }) => roles === undefined || hasOneOf(session, roles));

function Sidebar({ session }: { session: Session }): ReactNode {
  return (
    <aside className="sidebar">
      <Link to="/" className="brand">
        <Mark />
        {T.product}
      </Link>
      <nav aria-label={T.nav.label}>
        {PAGES.map(({ title, entries }) => {
          const visible = visibleTo(session, entries);
          if (visible.length === 0) return null;
          return (
            <section key={title}>
              <h2 className="nav-title">{title}</h2>
              {visible.map((entry) => (
                <NavLink key={entry.to} entry={entry} session={session} />
              ))}
            </section>
          );
        })}
      </nav>
      <div className="sidebar-foot">
        <ConnectionState />
        <Account session={session} />
      </div>
    </aside>
  );
}

function NavLink({ entry: { to, name, icon: Icon }, session }: { entry: PageEntry; session: Session }): ReactNode {
  return (
    <Link to={to} className="nav-link" activeOptions={{ exact: to === '/' }} activeProps={{ 'aria-current': 'page' }}>
      <Icon aria-hidden size={17} strokeWidth={2} />
      <span>{name}</span>
      {to === '/approvals' && <Waiting session={session} />}
    </Link>
  );
}

function Waiting({ session }: { session: Session }): ReactNode {
  const pending = usePendingApprovals(hasOneOf(session, RUN_ROLES));
  const count = pending.data?.items.length ?? 0;
  if (count === 0) return null;
  return (
    <span className="badge" title={T.nav.waiting(count)}>
      {count}
      {pending.data?.isCut ? '+' : ''}
      <span className="visually-hidden"> {T.nav.waiting(count)}</span>
    </span>
  );
}

/** The tabs of a narrow screen: the first four pages, and the rest behind one. */
function Tabs({ session }: { session: Session }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const path = useRouterState({ select: ({ location }) => location.pathname });
  useEffect(() => setOpen(false), [path]);
  const visible = visibleTo(session, ALL_PAGES);
  return (
    <nav className="tabs" aria-label={T.nav.label}>
      {isOpen && (
        <div className="tabs-more">
          {visible.slice(4).map((entry) => (
            <NavLink key={entry.to} entry={entry} session={session} />
          ))}
          <ConnectionState />
          <Account session={session} />
        </div>
      )}
      {visible.slice(0, 4).map((entry) => (
        <NavLink key={entry.to} entry={entry} session={session} />
      ))}
      <button type="button" className="nav-link" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <Ellipsis aria-hidden size={17} />
        <span>{T.nav.more}</span>
      </button>
    </nav>
  );
}

function ConnectionState(): ReactNode {
  const connection = useConnection();
  const Icon = connection === 'lost' ? WifiOff : Wifi;
  return (
    <p className={`connection connection-${connection}`} title={connection === 'off' ? T.connection.offWhy : undefined}>
      <Icon aria-hidden size={14} />
      {T.connection[connection]}
    </p>
  );
}

function LostBanner(): ReactNode {
  const connection = useConnection();
  return (
    <div role="status" aria-live="polite">
      {connection === 'lost' && (
        <p className="banner banner-wait">
          <WifiOff aria-hidden size={16} /> {T.connection.banner}
        </p>
      )}
    </div>
  );
}

function Account({ session }: { session: Session }): ReactNode {
  const queries = useQueryClient();
  const leave = (): void => {
    void signOut().finally(() => {
      queries.clear();
      queries.setQueryData(SESSION_KEY, null);
    });
  };
  return (
    <div className="account">
      <div className="account-who">
        <strong title={session.who.name ?? session.who.id}>
          <AgentText>{session.who.name ?? session.who.id}</AgentText>
        </strong>
        <span className="muted small" title={T.account.roles(session.roles)}>
          {session.tenant} · {T.account.roles(session.roles)}
        </span>
      </div>
      <ThemeButton />
      <button
        type="button"
        className="icon-button"
        onClick={leave}
        aria-label={T.account.signOut}
        title={T.account.signOut}
      >
        <LogOut aria-hidden size={16} />
      </button>
    </div>
  );
}

function ThemeButton(): ReactNode {
  const [theme, setTheme] = useState<Theme>(storedTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  const Icon = { system: Monitor, light: Sun, dark: Moon }[theme];
  const label = `${T.theme.label}: ${T.theme[theme]}`;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={label}
      onClick={() => {
        applyTheme(next);
        setTheme(next);
      }}
    >
      <Icon aria-hidden size={16} />
    </button>
  );
}
