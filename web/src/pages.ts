/** The pages of the dashboard. Each is a file of its own that comes when it is first asked for.
 *
 *  To add one: a name in route.ts, a row here, a file in pages/ whose default export draws it.
 */
import type { ComponentType } from 'preact';
import type { Right } from './access';
import type { Actions } from './app';
import type { PageName } from './route';
import type { State } from './state';

export interface PageProps {
  state: State;
  actions: Actions;
}

export type PageView = ComponentType<PageProps>;

interface Page {
  /** In the navigation, and on the tab of the browser. */
  name: string;
  /** What one must be allowed to do to see it. */
  right: Right | null;
  load: () => Promise<{ default: PageView }>;
}

export const PAGES: Record<PageName, Page> = {
  plant: { name: 'Plant', right: 'view', load: () => import('./pages/Plant') },
  twin: { name: 'Twin', right: 'view', load: () => import('./pages/Twin') },
  whatif: { name: 'What if', right: 'view', load: () => import('./pages/WhatIf') },
  alarms: { name: 'Alarms', right: 'view', load: () => import('./pages/Alarms') },
  connections: { name: 'Connections', right: 'view', load: () => import('./pages/Connections') },
  system: { name: 'System', right: 'view', load: () => import('./pages/System') },
  audit: { name: 'Audit', right: 'configure', load: () => import('./pages/Audit') },
  login: { name: 'Log in', right: null, load: () => import('./pages/Login') },
};

/** Those that the navigation offers, in its order. */
export const OFFERED: PageName[] = ['plant', 'twin', 'whatif', 'alarms', 'connections', 'system', 'audit'];

/** A page's drawing; null while it is on its way, an error where it could not be had. */
export type Drawing = PageView | Error | null;

export class Pages {
  private readonly drawings = new Map<PageName, Drawing>();

  constructor(private readonly onLoaded: () => void) {}

  get(name: PageName): Drawing {
    const drawing = this.drawings.get(name);
    if (drawing !== undefined) return drawing;
    void this.load(name);
    return null;
  }

  /** Fetch those that have not been opened yet: by then the server may be away, or have another version of them. */
  async fetchAll(): Promise<void> {
    for (const name of OFFERED) {
      if (!this.drawings.has(name)) await this.load(name);
    }
  }

  /** Try again what has failed. */
  forget(name: PageName): void {
    if (this.drawings.get(name) instanceof Error) this.drawings.delete(name);
    this.onLoaded();
  }

  private async load(name: PageName): Promise<void> {
    this.drawings.set(name, null);
    try {
      this.drawings.set(name, (await PAGES[name].load()).default);
    } catch (reason) {
      this.drawings.set(name, reason instanceof Error ? reason : new Error(String(reason)));
    }
    this.onLoaded();
  }
}
