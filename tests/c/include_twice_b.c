#include "taskbell.h"
#include "taskbell.h"

int32_t version_seen_by_b(void);

int32_t version_seen_by_b(void) {
    return (int32_t)taskbell_abi_version();
}
