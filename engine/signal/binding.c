#include "signal/binding.h"

#include <assert.h>

const char *const binding_keys[] = {"unit", "scale", "offset", "dead_band", "stale", "time", "stores", "read_back", "fail_safe", NULL};

double binding_to_si(const Binding *binding, double number)
{
    assert(binding->scale != 0);
    return unit_to_si(binding->unit, number * binding->scale + binding->offset);
}

double binding_from_si(const Binding *binding, double si)
{
    assert(binding->scale != 0);
    return (unit_from_si(binding->unit, si) - binding->offset) / binding->scale;
}
