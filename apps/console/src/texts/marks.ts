/** Problems, times and the marks of states, which every page shows. */
export const marks = {
  problem: {
    title: 'This did not work',
    forbidden: (roles: readonly string[]) =>
      `This page needs one of the roles ${roles.join(', ')}. Ask an administrator for a key or group with that role, or sign in with another link.`,
    unreachable:
      'The gateway does not respond. Check that Bailiwick is running (npx bailiwick status), then try again.',
    notFound:
      'Nothing with this address was found in this tenant. It may have been erased, or belong to another tenant.',
    busy: 'The service is busy. Wait a few seconds and try again.',
    notReady: 'A service is starting or restarting. Wait a few seconds and try again.',
    code: 'Code',
    crashed: 'This page failed to draw. Reload it; your data is safe.',
  },
  time: {
    utc: (text: string) => `${text} (UTC)`,
    left: (text: string) => `${text} left`,
    over: 'over',
    ago: (text: string) => `${text} ago`,
    now: 'just now',
  },
  status: {
    active: 'Active',
    pending: 'Waiting for approval',
    suspended: 'Suspended',
    superseded: 'Superseded',
    completed: 'Completed',
    expired: 'Expired',
    exhausted: 'Budget used up',
    revoked: 'Revoked',
    refused: 'Refused',
    permitted: 'Permitted',
    denied: 'Denied',
    'stepped-up': 'Asked a person',
    approved: 'Approved',
    used: 'Approved and used',
    failed: 'Failed',
    abandoned: 'No outcome',
    withdrawn: 'Withdrawn',
  } as Record<string, string>,
  risk: { low: 'Low risk', medium: 'Medium risk', high: 'High risk', irreversible: 'Irreversible' } as Record<
    string,
    string
  >,
  drift: {
    label: 'Drift',
    words: (drift: number) =>
      drift >= 0.85
        ? 'far from its purpose'
        : drift >= 0.6
          ? 'leaving its purpose'
          : drift >= 0.3
            ? 'some distance from its purpose'
            : 'on its purpose',
    none: 'not scored',
  },
} as const;
