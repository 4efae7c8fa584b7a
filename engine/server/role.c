#include "server/role.h"

#include <assert.h>
#include <string.h>

const char *right_name(Right right)
{
    static const char *const names[] = {"", "view", "forecast", "acknowledge", "command", "configure", "admin"};
    assert(right <= RIGHT_ADMIN);
    return names[right];
}

const char *role_name(Role role)
{
    static const char *const names[] = {"nobody", "viewer", "operator", "engineer", "admin"};
    assert(role <= ROLE_ADMIN);
    return names[role];
}

bool role_may(Role role, Right right)
{
    static const Right most[] = {RIGHT_NONE, RIGHT_FORECAST, RIGHT_COMMAND, RIGHT_CONFIGURE, RIGHT_ADMIN};
    assert(role <= ROLE_ADMIN);
    return right <= most[role];
}

Err role_find(const char *name, Role *out, ErrText *why)
{
    for (Role role = ROLE_VIEWER; role <= ROLE_ADMIN; role++)
        if (strcmp(name, role_name(role)) == 0) {
            *out = role;
            return ERR_OK;
        }
    *out = ROLE_NOBODY;
    return err_set(why, ERR_RANGE, "expected the role viewer, operator, engineer or admin, got \"%.60s\"", name);
}
