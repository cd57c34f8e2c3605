/* A driver library that says what a test tells it to; compiled with -DVERSION=12040 -DCOUNT=1 -DMAJOR=8 -DMINOR=6. */
#include <string.h>

int cuDriverGetVersion(int *version) { *version = VERSION; return 0; }
int cuInit(unsigned flags) { (void)flags; return COUNT ? 0 : 100; /* CUDA_ERROR_NO_DEVICE */ }
int cuDeviceGetCount(int *count) { *count = COUNT; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
    (void)device;
    strncpy(name, "Stub Card", (size_t)length);
    return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    (void)device;
    *value = attribute == 75 ? MAJOR : attribute == 76 ? MINOR : -1;
    return 0;
}
