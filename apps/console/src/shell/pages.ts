import {
  Bell,
  BookText,
  Bot,
  FileCheck2,
  History,
  KeyRound,
  Octagon,
  Plug,
  Radio,
  Scale,
  Settings,
  UserRound,
  Wallet,
  type LucideIcon,
} from 'lucide-react';
import { T } from '../texts';

export interface PageEntry {
  readonly to: string;
  readonly name: string;
  readonly icon: LucideIcon;
  /** one of them is needed; left out: every signed-in caller */
  readonly roles?: readonly string[];
}

const READERS = ['analyst', 'orchestrator', 'approver', 'responder'];

/** The navigation. A page that a caller's roles do not open is not listed. */
export const PAGES: readonly { readonly title: string; readonly entries: readonly PageEntry[] }[] = [
  {
    title: T.nav.watch,
    entries: [
      { to: '/', name: T.nav.live, icon: Radio, roles: READERS },
      { to: '/approvals', name: T.nav.approvals, icon: Bell, roles: READERS },
      { to: '/incident', name: T.nav.incident, icon: Octagon, roles: ['responder'] },
    ],
  },
  { title: T.nav.yours, entries: [{ to: '/mine', name: T.nav.mine, icon: UserRound }] },
  {
    title: T.nav.prove,
    entries: [
      { to: '/replay', name: T.nav.replay, icon: History, roles: ['analyst'] },
      { to: '/log', name: T.nav.log, icon: BookText, roles: ['analyst'] },
      { to: '/receipt', name: T.nav.receipt, icon: FileCheck2 },
    ],
  },
  {
    title: T.nav.setUp,
    entries: [
      { to: '/agents', name: T.nav.agents, icon: Bot, roles: READERS },
      { to: '/policy', name: T.nav.policy, icon: Scale, roles: [...READERS, 'admin', 'enforcer'] },
      { to: '/budgets', name: T.nav.budgets, icon: Wallet, roles: ['admin', 'analyst', 'responder'] },
      { to: '/servers', name: T.nav.servers, icon: Plug, roles: ['admin', 'analyst'] },
      { to: '/keys', name: T.nav.keys, icon: KeyRound, roles: ['admin'] },
      { to: '/settings', name: T.nav.settings, icon: Settings },
    ],
  },
];
export const RUN_ROLES = READERS;
export const ALL_PAGES: readonly PageEntry[] = PAGES.flatMap(({ entries }) => entries);
