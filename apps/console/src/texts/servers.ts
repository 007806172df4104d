export const servers = {
  title: 'MCP servers',
  lead: 'A server, or a changed tool, is in quarantine until a person approves exactly what it offers.',
  columns: { name: 'Name', status: 'Status', tools: 'Tools', approved: 'Approved' },
  emptyTitle: 'No MCP server is registered',
  empty:
    'Name servers in .bailiwick/mcp.json, or with npx bailiwick mcp add. Agents then reach them only through the gateway.',
  offline:
    'The enforcement point for MCP is not running: it starts once mcp.json names a server (npx bailiwick mcp add).',
  pending: 'Waits for approval',
  pinned: 'Approved',
  approve: 'Approve this definition',
  digest: 'Digest',
  changes: 'Changes since the approved definition',
  tools: 'Tools',
  warnings: 'Warnings',
  before: 'Approved',
  after: 'Offered now',
  added: 'New',
  removed: 'Gone',
  changed: 'Changed',
  same: 'Unchanged',
  approved: 'Approved: agents may use it now.',
} as const;
