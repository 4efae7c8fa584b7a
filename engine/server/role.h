/* role.h -- what may be done, and who may do what. A role has all rights of the roles before it. */
#pragma once

#include "base/base.h"

typedef enum Right {
    RIGHT_NONE,         // everybody: signs of life, what is needed to log in
    RIGHT_VIEW,
    RIGHT_FORECAST,     // what-if: it costs the machine, and touches nothing
    RIGHT_ACKNOWLEDGE,  // what an operator tells of alarms
    RIGHT_COMMAND,      // through the gate
    RIGHT_CONFIGURE,    // scripts, time, what is logged
    RIGHT_ADMIN,        // who may do what
} Right;

typedef enum Role { ROLE_NOBODY, ROLE_VIEWER, ROLE_OPERATOR, ROLE_ENGINEER, ROLE_ADMIN } Role;

const char *right_name(Right right);
const char *role_name(Role role);
bool role_may(Role role, Right right);
/// ERR_RANGE names those that there are.
Err role_find(const char *name, Role *out, ErrText *why);
