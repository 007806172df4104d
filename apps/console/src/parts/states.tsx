import { Component, type ReactNode } from 'react';
import { CircleAlert, Inbox, type LucideIcon } from 'lucide-react';
import { Problem } from '../api/client';
import { T } from '../texts';
import { AgentText } from './agent-text';

export function Empty({
  title,
  children,
  icon: Icon = Inbox,
}: {
  title: string;
  children?: ReactNode;
  icon?: LucideIcon;
}): ReactNode {
  return (
    <div className="empty">
      <Icon aria-hidden size={28} strokeWidth={1.6} />
      <p className="empty-title">{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

/** An error with what to do about it. */
export function Failed({ error, retry }: { error: unknown; retry?: () => void }): ReactNode {
  const problem = error instanceof Problem ? error : undefined;
  return (
    <div className="notice notice-bad" role="alert">
      <CircleAlert aria-hidden size={18} />
      <div>
        <strong>{T.problem.title}</strong>
        <p>
          <AgentText>{error instanceof Error ? error.message : String(error)}</AgentText> {adviceFor(problem)}
        </p>
        {problem && problem.status > 0 && (
          <p className="muted small">
            {T.problem.code} <code>{problem.code}</code>
          </p>
        )}
      </div>
      {retry && (
        <button type="button" className="button" onClick={retry}>
          {T.retry}
        </button>
      )}
    </div>
  );
}

function adviceFor(problem: Problem | undefined): string {
  switch (problem?.status) {
    case 0:
      return T.problem.unreachable;
    case 404:
      return T.problem.notFound;
    case 429:
      return T.problem.busy;
    case 503:
      return T.problem.notReady;
    default:
      return '';
  }
}

export function Loading(): ReactNode {
  return (
    <div className="loading" role="status">
      <span className="visually-hidden">{T.loading}</span>
      <span className="bar" />
      <span className="bar" />
      <span className="bar" />
    </div>
  );
}

/** Keeps a page that fails to draw from taking the others with it. */
export class Guard extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };
  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }
  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return <Failed error={new Error(T.problem.crashed)} retry={() => location.reload()} />;
  }
}
