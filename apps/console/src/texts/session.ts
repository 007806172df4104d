/** Signing in, and a session that has ended. */
export const session = {
  signIn: {
    title: 'Sign in',
    lead: 'See what agents hold, decide what they ask for, and stop what must stop.',
    withIssuer: (issuer: string) => `Continue with ${issuer}`,
    linkTitle: 'Use a one-time link',
    linkHow:
      'On the machine of the installation, run this command and open the link that it prints. A link works once.',
    command: 'npx bailiwick console',
    paste: 'Or paste the link or its code',
    submit: 'Sign in',
    used: 'This link was used already, or has expired. Run the command again for a new one.',
    already: (who: string) => `You are signed in as ${who} already; the link was not used. Sign out first to use it.`,
    failed: 'Signing in failed:',
  },
  expired: {
    title: 'Your session has ended',
    text: 'Nothing that you typed is lost. Sign in again in another tab or with a new link, then continue here.',
    again: 'I have signed in again',
    still: 'No session was found yet.',
    openTab: 'Sign in in a new tab',
  },
} as const;
