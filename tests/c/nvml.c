/* An imitation of NVIDIA's management library, as strict about its use as the real one: two cards, of which
 * the second does not tell how busy it is. Reply codes and layouts are those of nvml.h. */

#include <stddef.h>

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3 };

typedef struct card {
    unsigned long long total, used;
    unsigned int temperature;
} card;

typedef struct {
    unsigned long long total, free, used;
} memory;

typedef struct {
    unsigned int gpu, memory;
} utilization;

static const card CARDS[] = {
    {24ULL << 30, 6ULL << 30, 66},
    {8ULL << 30, 2ULL << 30, 41},
};
enum { COUNT = sizeof CARDS / sizeof CARDS[0] };

static int starts;
static int faults;

int imitation_starts(void) { return starts; }
int imitation_faults(void) { return faults; }

static int blame(int code) {
    faults++;
    return code;
}

static int check(const card *device, const void *out) {
    if (starts == 0) return blame(UNINITIALIZED);
    if (out == NULL || (device != &CARDS[0] && device != &CARDS[1])) return blame(INVALID_ARGUMENT);
    return SUCCESS;
}

int nvmlInit_v2(void) {
    starts++;
    return SUCCESS;
}

int nvmlShutdown(void) {
    if (starts == 0) return blame(UNINITIALIZED);
    starts--;
    return SUCCESS;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, const card **device) {
    if (starts == 0) return blame(UNINITIALIZED);
    if (device == NULL) return blame(INVALID_ARGUMENT);
    if (index >= COUNT) return INVALID_ARGUMENT;
    *device = &CARDS[index];
    return SUCCESS;
}

int nvmlDeviceGetMemoryInfo(const card *device, memory *info) {
    int code = check(device, info);
    if (code == SUCCESS) *info = (memory){device->total, device->total - device->used, device->used};
    return code;
}

int nvmlDeviceGetUtilizationRates(const card *device, utilization *rates) {
    int code = check(device, rates);
    if (code != SUCCESS) return code;
    if (device == &CARDS[1]) return NOT_SUPPORTED;
    *rates = (utilization){37, 12};
    return SUCCESS;
}

int nvmlDeviceGetTemperature(const card *device, unsigned int sensor, unsigned int *degrees) {
    int code = check(device, degrees);
    if (code != SUCCESS) return code;
    if (sensor != 0) return blame(INVALID_ARGUMENT);
    *degrees = device->temperature;
    return SUCCESS;
}
