/** Words of every page. */
export const general = {
  product: 'Bailiwick',
  skip: 'Skip to the page',
  loading: 'Loading …',
  close: 'Close',
  cancel: 'Cancel',
  reason: 'Reason (recorded in the log)',
  retry: 'Try again',
  more: 'Show more',
  copy: 'Copy',
  copied: 'Copied',
  notFound: 'There is no such page.',
} as const;
