import type { ReactNode } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plug, TriangleAlert } from 'lucide-react';
import { get, post, Problem } from '../../api/client';
import { AgentJson, AgentText } from '../../parts/agent-text';
import { Id } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { hasOneOf, useCaller } from '../../session/session';
import { T } from '../../texts';

interface Tool {
  readonly name: string;
  readonly status: 'approved' | 'new' | 'changed' | 'removed' | 'unusable';
  readonly definition?: string;
  readonly approvedDefinition?: string;
  readonly fault?: string;
  readonly warnings: readonly string[];
}
interface Server {
  readonly name: string;
  readonly digest?: string;
  readonly fault?: string;
  readonly pinned: { readonly digest: string } | null;
  readonly tools: readonly Tool[];
}
const CHANGE: Readonly<Record<Tool['status'], readonly [string, string]>> = {
  approved: [T.servers.same, 'idle'],
  new: [T.servers.added, 'wait'],
  changed: [T.servers.changed, 'wait'],
  removed: [T.servers.removed, 'bad'],
  unusable: [T.problem.title, 'bad'],
};

/** The upstream servers: what a person approved of each, and what it offers now. */
export function ServersPage(): ReactNode {
  const servers = useQuery({
    queryKey: ['servers'],
    retry: false,
    queryFn: () => get<{ items: readonly { name: string }[] }>('/v1/mcp/servers'),
  });
  const isOff = servers.error instanceof Problem && servers.error.status === 503;
  return (
    <div className="page">
      <header className="page-head">
        <h1>{T.servers.title}</h1>
        <p className="muted">{T.servers.lead}</p>
      </header>
      {servers.isPending ? (
        <Loading />
      ) : isOff || servers.data?.items.length === 0 ? (
        <Empty title={T.servers.emptyTitle} icon={Plug}>
          {isOff ? T.servers.offline : T.servers.empty}
        </Empty>
      ) : servers.error ? (
        <Failed error={servers.error} retry={() => void servers.refetch()} />
      ) : (
        servers.data.items.map(({ name }) => <ServerCard key={name} name={name} />)
      )}
    </div>
  );
}

function ServerCard({ name }: { name: string }): ReactNode {
  const queries = useQueryClient();
  const session = useCaller();
  const server = useQuery({
    queryKey: ['servers', name],
    queryFn: () => get<Server>(`/v1/mcp/servers/${encodeURIComponent(name)}`),
  });
  const approve = useMutation({
    mutationFn: (digest: string) => post(`/v1/mcp/servers/${encodeURIComponent(name)}/approval`, { digest }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['servers'] }),
  });
  if (server.error) return <Failed error={server.error} retry={() => void server.refetch()} />;
  if (!server.data) return <Loading />;
  const { digest, fault, pinned, tools } = server.data;
  const isPending = digest !== undefined && digest !== pinned?.digest;
  return (
    <section className="panel" aria-label={name}>
      <header className="panel-head">
        <h2>
          <AgentText>{name}</AgentText>
        </h2>
        <span className={isPending ? 'tag tag-wait' : 'tag tag-good'}>
          {isPending ? T.servers.pending : T.servers.pinned}
        </span>
        <span className="muted small">
          {T.servers.digest} <Id>{digest ?? pinned?.digest}</Id>
        </span>
        <span className="grow" />
        {isPending && hasOneOf(session, ['admin']) && (
          <button
            type="button"
            className="button button-primary"
            disabled={approve.isPending}
            onClick={() => approve.mutate(digest)}
          >
            {T.servers.approve}
          </button>
        )}
      </header>
      {approve.error && <Failed error={approve.error} />}
      {approve.isSuccess && <p role="status">{T.servers.approved}</p>}
      {fault !== undefined && (
        <p className="notice notice-bad">
          <TriangleAlert aria-hidden size={18} /> <AgentText>{fault}</AgentText>
        </p>
      )}
      <ul className="policy-entries">
        {tools.map((tool) => (
          <li key={tool.name}>
            <ToolDetails tool={tool} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function ToolDetails({
  tool: { name, status, definition, approvedDefinition, fault, warnings },
}: {
  tool: Tool;
}): ReactNode {
  const [label, tone] = CHANGE[status];
  return (
    <details open={warnings.length > 0}>
      <summary className="policy-entry">
        <strong className="mono">
          <AgentText>{name}</AgentText>
        </strong>
        <span className={`tag tag-${tone}`}>{label}</span>
        {warnings.length > 0 && (
          <span className="tag tag-bad">
            <TriangleAlert aria-hidden size={13} /> {T.servers.warnings}
          </span>
        )}
      </summary>
      {[...warnings, ...(fault === undefined ? [] : [fault])].map((each) => (
        <p key={each} className="field-problem">
          <AgentText>{each}</AgentText>
        </p>
      ))}
      <div className="diff">
        {approvedDefinition !== undefined && status !== 'approved' && (
          <div>
            <h3>{T.servers.before}</h3>
            <AgentJson value={pretty(approvedDefinition)} />
          </div>
        )}
        {definition !== undefined && (
          <div>
            <h3>{T.servers.after}</h3>
            <AgentJson value={pretty(definition)} />
          </div>
        )}
      </div>
    </details>
  );
}

function pretty(definition: string): unknown {
  try {
    return JSON.parse(definition);
  } catch {
    return definition;
  }
}
