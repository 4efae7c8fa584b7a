/* access.h -- who asks, and what they may do.
 *
 * A role has all rights of the roles before it. Whoever asks from this machine while no access is asked for is the machine's own people: an admin without a name. */
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

typedef struct Caller {
    char name[48];  // "" where nobody has to say it
    char peer[64];  // address and port
    Role role;
} Caller;

const char *right_name(Right right);
const char *role_name(Role role);
bool role_may(Role role, Right right);
