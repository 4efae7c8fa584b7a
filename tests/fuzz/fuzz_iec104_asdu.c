/* fuzz_iec104_asdu.c -- any bytes as an ASDU of IEC 60870-5-104: what opens has its objects within its bytes, and its times are times. */
#include <math.h>
#include <stdlib.h>

#include "connectors/iec104/asdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void require(bool fact)
{
    if (!fact)
        abort();
}

static void check_time(const uint8_t *time)
{
    const int64_t now = INT64_C(1767225600) * INT64_C(1000000000), hour = INT64_C(3600) * INT64_C(1000000000);
    int64_t utc, back;
    if (!cp56_read(time, now, hour, &utc))
        return;
    uint8_t again[CP56_SIZE];
    cp56_write(utc, hour, again);
    require(cp56_read(again, now, hour, &back) && back == utc);
}

/* A command that was read is written with the same value. */
static void check_command(const Asdu *asdu, const AsduObject *object)
{
    if (!asdu_carries(asdu->type, object->number))
        return;
    const AsduRequest request = {
        .type = asdu->type, .cause = ASDU_ACT, .station = asdu->station, .address = object->address, .number = object->number, .select = object->select};
    uint8_t written[APCI_ASDU_MAX];
    Asdu again;
    AsduObject same;
    const size_t size = asdu_write(&request, written);
    require(asdu_open(&again, written, size) == NULL && asdu_next(&again, &same) && !asdu_next(&again, &same));
    require(same.number == object->number && same.select == object->select && same.address == object->address && again.station == asdu->station);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    Asdu asdu;
    AsduObject object;
    const char *const fault = asdu_open(&asdu, bytes, size);
    require(fault == NULL || asdu.left == 0);
    int left = asdu.left;
    const uint8_t *behind = bytes;
    for (; asdu_next(&asdu, &object); left--) {
        require(object.element >= behind && object.address <= ASDU_ADDRESS_MAX);
        behind = object.element + object.element_size;
        if (object.time) {
            check_time(object.time);
            behind = object.time + CP56_SIZE;
        }
        if (asdu_is_command(asdu.type))
            check_command(&asdu, &object);
    }
    require(left == 0 && (fault || behind == bytes + size));
    return 0;
}
