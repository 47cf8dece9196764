/* The header twice in one file, and in two files of one program. */
#include "taskbell.h"
#include "taskbell.h"

int32_t version_seen_by_b(void);

int main(void) {
    return taskbell_abi_version() == 1 && version_seen_by_b() == 1 ? 0 : 1;
}
