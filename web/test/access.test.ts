import { describe, expect, test } from 'vitest';
import { needsLogin, RIGHTS, readAccess, whyNot } from '../src/access';

const access = (more: object) =>
  readAccess(
    JSON.stringify({
      access: 'required',
      user: null,
      role: null,
      rights: [],
      provide: [],
      actuate: [],
      csrf: null,
      ...more,
    }),
  );

describe('what one may do', () => {
  test('is everything where access is open, and while it is not known', () => {
    const open = access({ access: 'open', role: 'admin', rights: [...RIGHTS] });
    expect(whyNot(open, 'admin')).toBeNull();
    expect(whyNot(null, 'admin')).toBeNull();
    expect(needsLogin(open)).toBe(false);
  });

  test('is told with the role that it would need', () => {
    const viewer = access({ user: 'anna', role: 'viewer', rights: ['view', 'forecast', 'a right of tomorrow'] });
    expect(whyNot(viewer, 'view')).toBeNull();
    expect(whyNot(viewer, 'acknowledge')).toBe('anna is viewer: this needs the role operator.');
    expect(whyNot(access({}), 'acknowledge')).toMatch(/^Log in/);
  });

  test('is nothing without a login where access is required, unless everybody may watch', () => {
    expect(needsLogin(access({}))).toBe(true);
    expect(needsLogin(access({ rights: ['view'] }))).toBe(false);
  });
});
