/** Who one is to the server, and what one may do.
 *
 *  The server decides; the page only says beforehand what it would refuse, and why.
 */
import { type Field, parseJson } from './decode';

export const ROLES = ['viewer', 'operator', 'engineer', 'admin'] as const;
export const RIGHTS = ['view', 'forecast', 'acknowledge', 'command', 'configure', 'admin'] as const;

export type Role = (typeof ROLES)[number];
export type Right = (typeof RIGHTS)[number];

export interface Access {
  /** `open`: whoever reaches the server may do everything. */
  mode: 'open' | 'required';
  /** Null where nobody has logged in. */
  user: string | null;
  role: Role | null;
  rights: Set<Right>;
  /** Goes with every change that this session asks for. */
  csrf: string | null;
}

/** The body of `GET permissions` and of `POST login`. */
export function readAccess(body: string): Access {
  const field = parseJson(body);
  const text = (item: Field) => item.text();
  const words = field.get('rights').list(text);
  return {
    mode: field.get('access').oneOf(['open', 'required']),
    user: field.get('user').or(null, text),
    role: field.get('role').or(null, (role) => role.oneOf(ROLES)),
    // a right of a later version is one that this page has no use for
    rights: new Set(RIGHTS.filter((right) => words.includes(right))),
    csrf: field.get('csrf').or(null, text),
  };
}

/** The least role that has a right. */
const LEAST: Record<Right, Role> = {
  view: 'viewer',
  forecast: 'viewer',
  acknowledge: 'operator',
  command: 'operator',
  configure: 'engineer',
  admin: 'admin',
};

/** Why one may not do what needs `right`; null where one may. Nothing is refused before it is known who one is. */
export function whyNot(access: Access | null, right: Right): string | null {
  if (access === null || access.rights.has(right)) return null;
  if (access.user === null) return `Log in to do this: it needs the role ${LEAST[right]}.`;
  return `${access.user} is ${access.role ?? 'without a role'}: this needs the role ${LEAST[right]}.`;
}

/** Whether there is nothing to see without logging in. */
export const needsLogin = (access: Access | null): boolean => access?.mode === 'required' && !access.rights.has('view');
